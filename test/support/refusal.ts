import { expect } from "vitest";
import type { Answer } from "./client.ts";

/** What every refusal looks like, whoever makes it. */
export function expectRefusal(answer: Answer, label: string): void {
  expect([label, answer.headers.get("content-type")]).toEqual([
    label,
    expect.stringMatching(/^application\/json/),
  ]);
  const { error, code, request_id, details, ...rest } = answer.body;
  expect({ label, error, code, request_id, rest }).toEqual({
    label,
    error: expect.stringMatching(/\S/),
    code: expect.stringMatching(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/),
    request_id: answer.headers.get("x-request-id"),
    rest: {},
  });
  if (details !== undefined) expect([label, details]).toEqual([label, expect.any(Object)]);
}

/** Checks a status, and the one error shape when it is a refusal. */
export function expectStatus(answer: Answer, label: string, ...allowed: number[]): void {
  const told = answer.status >= 400 ? JSON.stringify(answer.body).slice(0, 200) : "";
  expect(allowed, `${label}: ${answer.status} ${told}`).toContain(answer.status);
  if (answer.status >= 400) expectRefusal(answer, label);
}

/** Anything but a fault of the server's. */
export function expectNoFault(answer: Answer, label: string): void {
  const told = `${label}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 200)}`;
  // 501 and 503 are honest refusals of their own; the server breaks with 500 and 502.
  expect([500, 502], told).not.toContain(answer.status);
  if (answer.status >= 400) expectRefusal(answer, label);
}
