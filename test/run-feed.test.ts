import { expect, it } from "vitest";
import { newRun, newUser, query, until } from "./support/client.ts";

const point = (step: number, rest: Record<string, unknown> = {}) => ({
  epoch: 1,
  step,
  loss: 1 / (step + 1),
  ...rest,
});

it("gives back every field of every point in step order, however they came in", async () => {
  const user = await newUser();
  const run = `/api/training/runs/${await newRun(user)}`;
  const full = {
    ...{ epoch: 2, step: 7, loss: 0.5, accuracy: 0.9, lr: 1e-3, gpu_util: 0.25, memory_mb: 12.5 },
    ...{ custom: { f1: 0.8, "µ/σ": -1 }, timestamp: "2026-01-02T03:04:05.678Z" },
  };
  await user.post(`${run}/metrics`, { points: [point(9), point(3)] });
  await user.post(`${run}/metrics`, full);
  const { body } = await user.get(`${run}/metrics`);
  expect(body.map((p: any) => p.step)).toEqual([3, 7, 9]);
  expect(body[1]).toEqual({ seq: 3, ...full });
});

it("keeps NaN and infinities by name, also through the archive", async () => {
  const user = await newUser();
  const id = await newRun(user);
  const values = { loss: "NaN", accuracy: "Infinity", lr: "-Infinity", custom: { x: "NaN" } };
  expect((await user.post(`/api/training/runs/${id}/metrics`, { epoch: 0, step: 0, ...values })).status).toBe(
    201,
  );
  const { body } = await user.get(`/api/training/runs/${id}/metrics`);
  expect(body[0]).toMatchObject(values);
  const run = await until(
    () => user.get(`/api/training/runs/${id}`),
    (answer) => answer.body.latest_metrics,
  );
  expect(run.body.latest_metrics).toMatchObject(values);
});

it("stores a batch sent again under its key once, and says so", async () => {
  const user = await newUser();
  const run = `/api/training/runs/${await newRun(user)}`;
  const batch = { points: [point(1), point(2), point(3)] };
  const send = () => user.post(`${run}/metrics`, batch, { headers: { "idempotency-key": "batch-1" } });
  const answers = await Promise.all(Array.from({ length: 10 }, send));
  expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(201));
  expect(answers.filter((answer) => !answer.body.duplicate)).toHaveLength(1);
  expect(new Set(answers.map((answer) => answer.body.first_seq))).toEqual(new Set([1]));
  expect((await user.get(`${run}/metrics`)).body).toHaveLength(3);
});

it("numbers concurrent writers' points without holes or doubles", async () => {
  const user = await newUser();
  const run = `/api/training/runs/${await newRun(user)}`;
  await Promise.all(Array.from({ length: 64 }, (_, i) => user.post(`${run}/metrics`, point(i))));
  const { body } = await user.get(`${run}/metrics`);
  expect(body.map((p: any) => p.seq).toSorted((a: number, b: number) => a - b)).toEqual(
    Array.from({ length: 64 }, (_, i) => i + 1),
  );
});

it("pages through points that share a step without losing or repeating one", async () => {
  const user = await newUser();
  const run = `/api/training/runs/${await newRun(user)}`;
  const points = Array.from({ length: 25 }, (_, i) => point(Math.floor(i / 10), { custom: { i } }));
  await user.post(`${run}/metrics`, { points });
  const seen: number[] = [];
  let path: string | undefined = `${run}/metrics?limit=7`;
  while (path) {
    const { body, headers }: { body: any; headers: Headers } = await user.get(path);
    seen.push(...body.map((p: any) => p.custom.i));
    path = /<([^>]+)>; rel="next"/.exec(headers.get("link") ?? "")?.[1];
  }
  expect(seen).toEqual(points.map((_, i) => i));
});

it("selects by step and key", async () => {
  const user = await newUser();
  const run = `/api/training/runs/${await newRun(user)}`;
  await user.post(`${run}/metrics`, {
    points: [point(1, { lr: 1 }), point(2, { lr: 2, custom: { a: 1, b: 2 } })],
  });
  const { body } = await user.get(`${run}/metrics?from_step=2&keys=lr,b`);
  expect(body).toEqual([
    { seq: 2, epoch: 1, step: 2, lr: 2, custom: { b: 2 }, timestamp: expect.any(String) },
  ]);
});

it("has begun a run of one's own exactly when it was made, by one clock", async () => {
  const user = await newUser();
  const { body } = await user.get(`/api/training/runs/${await newRun(user)}`);
  expect(body.started_at).toBe(body.created_at);
});

it("loses no key's spike where there are more keys than points asked for", async () => {
  const user = await newUser();
  const run = `/api/training/runs/${await newRun(user)}`;
  const keys = Array.from({ length: 60 }, (_, k) => `k${k}`);
  const spiky = (step: number) =>
    Object.fromEntries(keys.map((key, k) => [key, step === 40 * k + 20 ? 99 : Math.sin(step + k)]));
  for (let start = 0; start < 3_000; start += 1_000) {
    const points = Array.from({ length: 1_000 }, (_, i) => point(start + i, { custom: spiky(start + i) }));
    expect((await user.post(`${run}/metrics`, { points })).status).toBe(201);
  }
  const { body } = await user.get(`${run}/metrics?max_points=100`);
  const kept = new Set(body.map((p: any) => p.step));
  expect(keys.map((_, k) => 40 * k + 20).filter((step) => !kept.has(step))).toEqual([]);
  expect(body.length).toBeLessThanOrEqual(2 * 61 + 2);
});

it("down-samples a long history and keeps its spikes, first and last point", async () => {
  const user = await newUser();
  const run = `/api/training/runs/${await newRun(user)}`;
  for (let start = 0; start < 20_000; start += 1000) {
    const points = Array.from({ length: 1000 }, (_, i) =>
      point(start + i, { loss: Math.sin((start + i) / 500) }),
    );
    if (start === 7000) points[123]!.loss = 99;
    if (start === 13_000) points[456]!.loss = -99;
    await user.post(`${run}/metrics`, { points });
  }
  const { body } = await user.get(`${run}/metrics?max_points=200`);
  const steps = body.map((p: any) => p.step);
  expect(body.length).toBeLessThanOrEqual(200);
  expect(body.length).toBeGreaterThan(150);
  expect(steps).toEqual([...steps].sort((a, b) => a - b));
  expect([steps[0], steps.at(-1)]).toEqual([0, 19_999]);
  expect(body.find((p: any) => p.step === 7123).loss).toBe(99);
  expect(body.find((p: any) => p.step === 13_456).loss).toBe(-99);
  // All of it is in the archive in a few large chunks, none twice.
  const [archived] = await until(
    () =>
      query(
        "select coalesce(sum(count), 0)::int points, count(*)::int chunks from run_chunks where run_id = $1",
        [run.split("/").at(-1)],
      ),
    ([row]: any[]) => row.points >= 20_000,
  );
  expect(archived).toEqual({ points: 20_000, chunks: expect.any(Number) });
  expect(archived.chunks).toBeLessThan(12);
});

it("keeps log lines in order with their level, and filters and pages them", async () => {
  const user = await newUser();
  const run = `/api/training/runs/${await newRun(user)}`;
  await user.post(`${run}/logs`, { message: "first" });
  const lines = [
    { message: "bad\nthing ü 😀", level: "error", timestamp: "2026-01-02T03:04:05Z" },
    { message: "" },
  ];
  await user.post(`${run}/logs`, { lines });
  const all = (await user.get(`${run}/logs`)).body.logs;
  expect(all.map((line: any) => [line.level, line.message])).toEqual([
    ["INFO", "first"],
    ["ERROR", "bad\nthing ü 😀"],
    ["INFO", ""],
  ]);
  expect(all[1].timestamp).toBe("2026-01-02T03:04:05.000Z");
  expect((await user.get(`${run}/logs?level=error`)).body.logs).toHaveLength(1);
  const page = await user.get(`${run}/logs?limit=2`);
  expect(page.headers.get("link")).toContain("cursor=2");
});

it("refuses writes to a finished run and never changes how it ended", async () => {
  const user = await newUser();
  const run = `/api/training/runs/${await newRun(user)}`;
  await user.post(`${run}/metrics`, point(1));
  expect((await user.post(`${run}/complete`, { success: true })).body.status).toBe("completed");
  for (const [path, body] of [
    ["metrics", point(2)],
    ["logs", { message: "late" }],
    ["stop", undefined],
    ["complete", { success: false }],
  ] as const) {
    const { status, body: answer } = await user.post(`${run}/${path}`, body as any);
    expect([path, status, answer.code]).toEqual([path, 409, "RUN_FINISHED"]);
  }
  expect((await user.post(`${run}/complete`, { success: true })).status).toBe(200);
  expect((await user.get(run)).body.status).toBe("completed");
  expect((await user.get(`${run}/metrics`)).body).toHaveLength(1);
});

it.each([
  ["no object", [1]],
  ["nothing in it", {}],
  ["a step that is text", { epoch: 0, step: "1" }],
  ["a negative step", { epoch: 0, step: -1 }],
  ["a broken number", { epoch: 0, step: 1, loss: "many" }],
  ["a word that is an object's own", { epoch: 0, step: 1, loss: "constructor" }],
  ["a bad timestamp", { epoch: 0, step: 1, timestamp: "yesterday" }],
  ["custom as a list", { epoch: 0, step: 1, custom: [1] }],
  [
    "too many custom keys",
    { epoch: 0, step: 1, custom: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [i, 1])) },
  ],
  ["a standard key in custom", { epoch: 0, step: 1, custom: { loss: 1 } }],
  ["no points", { points: [] }],
  ["too many points", { points: Array.from({ length: 1001 }, (_, i) => point(i)) }],
  ["one bad point among good ones", { points: [point(1), { epoch: 1 }] }],
])("refuses metrics with %s and stores nothing", async (_, body) => {
  const user = await newUser();
  const run = `/api/training/runs/${await newRun(user)}`;
  const { status, body: answer } = await user.post(`${run}/metrics`, body as any);
  expect([status, answer.code]).toEqual([422, "VALIDATION_FAILED"]);
  expect((await user.get(`${run}/metrics`)).body).toEqual([]);
});

it("shows nobody else's run, and takes nobody else's points", async () => {
  const [owner, other] = [await newUser(), await newUser()];
  const run = `/api/training/runs/${await newRun(owner)}`;
  const attempts = [
    other.get(run),
    other.get(`${run}/metrics`),
    other.get(`${run}/logs`),
    other.post(`${run}/metrics`, point(1)),
    other.post(`${run}/logs`, { message: "hi" }),
    other.post(`${run}/stop`),
    other.post(`${run}/complete`, { success: true }),
    other.post(`${run}/stream-ticket`),
    other.delete(run),
  ];
  for (const answer of await Promise.all(attempts))
    expect([answer.status, answer.body.code]).toEqual([404, "RUN_NOT_FOUND"]);
  expect((await owner.get(run)).body.status).toBe("running");
});

it("deletes a run with its history", async () => {
  const user = await newUser();
  const id = await newRun(user);
  await user.post(`/api/training/runs/${id}/metrics`, point(1));
  expect((await user.delete(`/api/training/runs/${id}`)).status).toBe(204);
  expect((await user.get(`/api/training/runs/${id}`)).status).toBe(404);
  expect((await user.post(`/api/training/runs/${id}/metrics`, point(2))).status).toBe(404);
  expect(await query("select 1 from run_chunks where run_id = $1", [id])).toEqual([]);
});
