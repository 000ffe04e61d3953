import { expect, it } from "vitest";
import { readPoints } from "./metric-wire.ts";
import { digestLogs, digestMetrics } from "./payload-digest.ts";

const digest = (body: unknown) => digestMetrics(readPoints(body));
const base = { epoch: 0, step: 1, loss: 1, custom: { a: 1, b: 2 } };

it("is the same for the same points, however they are written", async () => {
  const expected = await digest(base);
  expect(expected).toMatch(/^[0-9a-f]{64}$/);
  for (const same of [
    { points: [base] },
    { custom: { b: 2, a: 1 }, loss: 1, step: 1, epoch: 0, accuracy: null, timestamp: null },
  ]) {
    expect(await digest(same)).toBe(expected);
  }
});

it("differs in every value, name, time, number and order", async () => {
  const time = "2026-01-02T03:04:05Z";
  const others = [
    base,
    { ...base, step: 2 },
    { ...base, epoch: 1 },
    { ...base, loss: "NaN" },
    { ...base, loss: "Infinity" },
    { ...base, loss: 0, lr: 1 },
    { ...base, custom: { a: 2, b: 1 } },
    { ...base, custom: { a: 1 } },
    { ...base, timestamp: time },
    { points: [base, base] },
    { points: [base, { ...base, loss: undefined }] },
    { points: [{ ...base, loss: undefined }, base] },
    { points: [base, { ...base, loss: 0 }] },
  ];
  expect(new Set(await Promise.all(others.map(digest))).size).toBe(others.length);
});

it("tells log lines apart by text, level and time", async () => {
  const line = { timestamp: NaN, level: "INFO", message: "a" };
  const others = [
    [line],
    [line, line],
    [{ ...line, message: "b" }],
    [{ ...line, level: "WARN" }],
    [{ ...line, timestamp: 1 }],
  ];
  expect(new Set(await Promise.all(others.map(digestLogs))).size).toBe(others.length);
  expect(await digestLogs([{ ...line }])).toBe(await digestLogs([line]));
});
