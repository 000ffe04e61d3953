import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createResendMailer } from "./resend.ts";

// Resend itself cannot be reached from a test; this speaks its published interface, and misbehaves when told to.
const seen: { headers: Record<string, unknown>; body: any }[] = [];
const state = { status: 200 };
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  seen.push({ headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) });
  response.writeHead(state.status, { "content-type": "application/json" });
  response.end(
    state.status === 200 ? '{"id":"1"}' : '{"name":"validation_error","message":"no such domain"}',
  );
});
let baseUrl: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());
beforeEach(() => {
  seen.length = 0;
  state.status = 200;
});

const MAIL = { to: "a@example.com", subject: "s", text: "t", html: "<p>t</p>", idempotencyKey: "k-1" };
const mailer = () => createResendMailer({ apiKey: "re_secret", from: "Myelin <m@example.com>", baseUrl });

it("hands mail over once, with a key that makes a second attempt the same", async () => {
  await mailer().send(MAIL);
  expect(seen).toHaveLength(1);
  expect(seen[0]!.headers).toMatchObject({ authorization: "Bearer re_secret", "idempotency-key": "k-1" });
  const { to, subject, text, html } = MAIL;
  expect(seen[0]!.body).toEqual({ from: "Myelin <m@example.com>", to: [to], subject, text, html });
});

it.each([401, 422, 429, 500])(
  "fails with what Resend says when it answers %i, and never with the key",
  async (status) => {
    state.status = status;
    const error = await mailer().send(MAIL).then(String, String);
    expect(error).toContain(`Resend answered ${status}`);
    expect(error).toContain("no such domain");
    expect(error).not.toContain("re_secret");
  },
);

it("fails when nobody is there", async () => {
  const nowhere = createResendMailer({ apiKey: "x", from: "y", baseUrl: "http://127.0.0.1:1" });
  await expect(nowhere.send(MAIL)).rejects.toThrow();
});
