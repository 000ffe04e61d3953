import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { expect, inject, it } from "vitest";
import { Client, newRun, newUser, query, until, type User } from "./support/client.ts";
import { FakeAgent } from "./support/fake-agent.ts";

const CONFIG = { epochs: 5, batch_size: 16, learning_rate: 0.01, hidden: [4], seed: 1 };

/** A user whose runs only the test's own agents see: the local agent is told to keep off by filling the queue itself. */
async function queueRun(user: User, config: Record<string, unknown> = {}): Promise<string> {
  const dataset = (await user.post("/api/builtin-datasets/iris/prepare")).body.id;
  return newRun(user, { dataset_id: dataset, config: { ...CONFIG, ...config } });
}

async function newAgent(user: User, name = "a"): Promise<Client> {
  const { body } = await user.post("/api/agents", { name });
  return new Client(inject("url"), { "x-ic-token": body.token });
}

const beat = (agent: Client, extra: Record<string, unknown> = {}) =>
  agent.post("/api/training/leases", { capabilities: ["train"], version: "0", holding: [], ...extra });

/** Puts a run into an agent's hands without racing the platform's own agent for it. */
async function hold(user: User, agent: Client): Promise<string> {
  const run = await newRun(user);
  const { id } = (
    await query("select id from agents where owner_id = $1 order by created_at limit 1", [user.id])
  )[0]!;
  await beat(agent);
  await query(
    "update runs set executor = 'agent', agent_id = $1, lease_expires_at = now() + interval '5 seconds' where id = $2",
    [id, run],
  );
  return run;
}

it("gives each waiting run to exactly one of many agents asking at once", async () => {
  const user = await newUser();
  const agents = await Promise.all(Array.from({ length: 6 }, (_, i) => newAgent(user, `agent-${i}`)));
  const runs = await Promise.all(Array.from({ length: 4 }, () => queueRun(user)));
  const claims = await Promise.all(agents.map((agent) => beat(agent)));
  const claimed = claims.flatMap(({ body }) => (body.lease ? [body.lease.run_id] : []));
  expect(new Set(claimed).size).toBe(claimed.length);
  // The platform's own agent may have taken some; nobody's run is waiting any more, and none was given twice.
  for (const id of claimed) expect(runs).toContain(id);
  const held = await query("select agent_id from runs where id = any($1) and status <> 'pending'", [runs]);
  expect(held.length).toBeGreaterThanOrEqual(claimed.length);
});

it("never gives a private agent another user's run", async () => {
  const [owner, other] = [await newUser(), await newUser()];
  const agent = await newAgent(other);
  const run = await hold(owner, await newAgent(owner));
  const { body } = await beat(agent, { holding: [run] });
  expect(body).toMatchObject({ lease: null, lost: [run] });
  for (const path of ["dataset", "report", "model"]) {
    const method = { dataset: "GET", report: "POST", model: "PUT" }[path]!;
    const answer = await agent.call(
      method,
      `/api/training/leases/${run}/${path}`,
      path === "dataset" ? undefined : { success: true },
    );
    expect([path, answer.status]).toEqual([path, 409]);
  }
  expect((await agent.post(`/api/training/runs/${run}/metrics`, { epoch: 0, step: 0 })).status).toBe(404);
});

it("gives a run back to the agent that held it when it returns without it", async () => {
  const user = await newUser();
  const agent = await newAgent(user);
  const run = await hold(user, agent);
  expect((await beat(agent)).body.lease).toMatchObject({ run_id: run, resumed: true });
  expect((await beat(agent, { holding: [run] })).body).toMatchObject({ lease: null, lost: [] });
});

it("gives and renews nothing to a program while another is connected under its token", async () => {
  const user = await newUser();
  const token = (await user.post("/api/agents", { name: "a" })).body.token;
  const agent = new Client(inject("url"), { "x-ic-token": token });
  const run = await hold(user, agent);
  const seated = await FakeAgent.connect(token);
  const leaseEnd = async () =>
    (await query("select lease_expires_at from runs where id = $1", [run]))[0]!["lease_expires_at"];
  const before = await leaseEnd();
  const stranger = await beat(agent, { holding: [run], instance: randomUUID() });
  expect([stranger.status, stranger.body.code]).toEqual([409, "AGENT_OCCUPIED"]);
  expect((await beat(agent, { instance: randomUUID() })).status).toBe(409);
  expect(await leaseEnd()).toEqual(before);
  const own = await beat(agent, { instance: seated.instance });
  expect(own.body.lease).toMatchObject({ run_id: run, resumed: true });
  expect(await leaseEnd()).not.toEqual(before);
});

it("renews what a program holds whose link alone is down", async () => {
  const user = await newUser();
  const token = (await user.post("/api/agents", { name: "a" })).body.token;
  const agent = new Client(inject("url"), { "x-ic-token": token });
  const run = await hold(user, agent);
  const seated = await FakeAgent.connect(token);
  seated.hangUp();
  const answer = await beat(agent, { holding: [run], instance: seated.instance });
  expect([answer.status, answer.body.lost]).toEqual([200, []]);
});

it("fails a run whose agent falls silent, and tells its watchers why", async () => {
  const user = await newUser();
  const agent = await newAgent(user);
  const run = await hold(user, agent);
  await beat(agent);
  const ended = await until(
    () => user.get(`/api/training/runs/${run}`),
    ({ body }) => body.status !== "running",
    { withinMs: 25_000 },
  );
  expect(ended.body).toMatchObject({
    status: "failed",
    error_message: expect.stringContaining("not heard of"),
  });
  expect((await beat(agent, { holding: [run] })).body.lost).toEqual([run]);
  expect((await agent.post(`/api/training/leases/${run}/report`, { success: true })).status).toBe(409);
});

it("keeps a run running while its agent is heard of, however long it says nothing else", async () => {
  const user = await newUser();
  const agent = await newAgent(user);
  const run = await hold(user, agent);
  const started = Date.now();
  await until(
    () => beat(agent, { holding: [run] }),
    ({ body }) => body.lost.length > 0 || Date.now() - started > 8_000,
    { everyMs: 500 },
  );
  expect((await user.get(`/api/training/runs/${run}`)).body.status).toBe("running");
});

it("takes a repeated report of the same end and refuses a different one", async () => {
  const user = await newUser();
  const agent = await newAgent(user);
  const run = await hold(user, agent);
  const report = (success: boolean) =>
    agent.post(`/api/training/leases/${run}/report`, { success, error: "no" });
  expect((await report(false)).status).toBe(204);
  expect((await report(false)).status).toBe(204);
  expect((await report(true)).status).toBe(409);
  expect((await user.get(`/api/training/runs/${run}`)).body).toMatchObject({
    status: "failed",
    error_message: "no",
  });
});

it("registers a trained model once, however often the agent uploads it", async () => {
  const user = await newUser();
  const agent = await newAgent(user);
  const run = await hold(user, agent);
  const upload = () =>
    agent.put(`/api/training/leases/${run}/model`, new Uint8Array([1, 2, 3]), {
      headers: { "content-type": "application/octet-stream" },
    });
  const answers = await Promise.all([upload(), upload(), upload()]);
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  expect(await query("select 1 from model_versions where training_run_id = $1", [run])).toHaveLength(1);
});

it("ends the real process when a run is stopped", async () => {
  const user = await newUser();
  const dataset = (await user.post("/api/builtin-datasets/digits/prepare")).body.id;
  const config = { ...CONFIG, epochs: 10_000, hidden: [256] };
  const run = await newRun(user, { dataset_id: dataset, config });
  const processes = async () => pgrep(run);
  await until(
    () => user.get(`/api/training/runs/${run}/metrics`),
    ({ body }) => body.length > 0,
  );
  expect((await processes()).length).toBeGreaterThan(0);
  expect((await user.post(`/api/training/runs/${run}/stop`)).body.status).toBe("stopped");
  await until(processes, (pids) => pids.length === 0, { withinMs: 10_000 });
  expect((await user.get(`/api/training/runs/${run}`)).body.status).toBe("stopped");
});

function pgrep(pattern: string): string[] {
  const listing = execFileSync("ps", ["-eo", "pid,args"], { encoding: "utf8" });
  return listing.split("\n").filter((line) => line.includes(pattern));
}

it("says what was wrong with the data when a training cannot be done", async () => {
  const user = await newUser();
  const form = new FormData();
  form.set("name", "broken");
  form.set("file", new File(["a,b\n1,2\n1\n"], "broken.csv"));
  const dataset = (await user.post("/api/datasets", form)).body.id;
  const run = await newRun(user, { dataset_id: dataset, config: CONFIG });
  const ended = await until(
    () => user.get(`/api/training/runs/${run}`),
    ({ body }) => body.status === "failed",
  );
  expect(ended.body.error_message).toMatch(/line 3/i);
});

it("fails a run whose dataset was deleted before it could start", async () => {
  const user = await newUser();
  const dataset = (await user.post("/api/builtin-datasets/iris/prepare")).body.id;
  const run = await newRun(user, { dataset_id: dataset, executor: "external", config: CONFIG });
  await user.delete(`/api/datasets/${dataset}`);
  // Only now does it become an agent's: no agent may have been quicker than the deletion.
  await query("update runs set executor = 'agent', status = 'pending' where id = $1", [run]);
  const ended = await until(
    () => user.get(`/api/training/runs/${run}`),
    ({ body }) => body.status === "failed",
  );
  expect(ended.body.error_message).toMatch(/dataset was deleted/);
});
