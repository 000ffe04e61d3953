import { expect, inject, it } from "vitest";
import { Client, newRun, newUser, query } from "./support/client.ts";

const key = { headers: { "idempotency-key": "one" } };

it("refuses another batch under a key that was used, and stores nothing of it", async () => {
  const user = await newUser();
  const run = `/api/training/runs/${await newRun(user)}`;
  const first = { points: [{ epoch: 0, step: 1, loss: 1, custom: { a: 1, b: "NaN" } }] };
  expect((await user.post(`${run}/metrics`, first, key)).body).toMatchObject({ duplicate: false });
  const point = first.points[0]!;
  for (const other of [
    { points: [{ ...point, loss: 2 }] },
    { points: [{ ...point, step: 2 }] },
    { points: [{ ...point, timestamp: "2026-01-02T03:04:05Z" }] },
    { points: [{ ...point, custom: { a: 1, b: "Infinity" } }] },
    { points: [{ ...point, custom: { a: 1 } }] },
    { points: [point, point] },
  ]) {
    const { status, body } = await user.post(`${run}/metrics`, other, key);
    expect([status, body.code]).toEqual([422, "IDEMPOTENCY_KEY_REUSED"]);
  }
  expect((await user.get(`${run}/metrics`)).body).toHaveLength(1);
});

it("knows a batch again whatever the order of its fields and however late it comes", async () => {
  const user = await newUser();
  const run = `/api/training/runs/${await newRun(user)}`;
  const send = (body: Record<string, unknown>) => user.post(`${run}/metrics`, body, key);
  await send({ points: [{ epoch: 0, step: 1, loss: 1, custom: { a: 1, b: 2 } }] });
  await new Promise((resolve) => setTimeout(resolve, 20));
  const again = await send({ custom: { b: 2, a: 1 }, loss: 1, step: 1, epoch: 0 });
  expect([again.status, again.body]).toEqual([201, { first_seq: 1, last_seq: 1, duplicate: true }]);
});

it("does the same for log lines, whose keys are their own", async () => {
  const user = await newUser();
  const run = `/api/training/runs/${await newRun(user)}`;
  const send = (body: Record<string, unknown>) => user.post(`${run}/logs`, body, key);
  await user.post(`${run}/metrics`, { epoch: 0, step: 0 }, key);
  expect((await send({ message: "a" })).body.duplicate).toBe(false);
  expect((await send({ lines: [{ message: "a", level: "info" }] })).body.duplicate).toBe(true);
  const { status, body } = await send({ message: "b" });
  expect([status, body.code]).toEqual([422, "IDEMPOTENCY_KEY_REUSED"]);
  expect((await user.get(`${run}/logs`)).body.logs).toHaveLength(1);
});

it("refuses all but one of different batches sent at once under one key", async () => {
  const user = await newUser();
  const run = `/api/training/runs/${await newRun(user)}`;
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, step) => user.post(`${run}/metrics`, { epoch: 0, step }, key)),
  );
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, ...Array(9).fill(422)]);
});

it("takes an agent's key for the lines it names: a training taken up again says them at another time", async () => {
  const user = await newUser();
  const run = await newRun(user);
  const { id, token } = (await user.post("/api/agents", { name: "a" })).body;
  await query("update runs set executor = 'agent', agent_id = $1 where id = $2", [id, run]);
  const agent = new Client(inject("url"), { "x-ic-token": token });
  const send = (timestamp: string) =>
    agent.post(`/api/training/runs/${run}/metrics`, { epoch: 0, step: 0, timestamp }, key);
  expect((await send("2026-01-02T03:04:05Z")).body.duplicate).toBe(false);
  expect((await send("2026-01-02T03:05:05Z")).body.duplicate).toBe(true);
});
