import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { buildAgent } from "../local/build-agent.ts";
import { reaches, type Registered, registerAgent, startAgentProgram } from "./support/registered-agent.ts";
import { newRun, newUser, query, until, type User } from "./support/client.ts";
import { FakeAgent } from "./support/fake-agent.ts";

const statusOf = async (user: User, { path }: Registered) => (await user.get(`${path}/status`)).body;

describe("an agent's state", () => {
  it("is told from before its first word to its last, and every change is an event", async () => {
    const user = await newUser();
    const agent = await registerAgent(user);
    expect(await statusOf(user, agent)).toMatchObject({ state: "stopped", connected: false, host: null });
    const link = await FakeAgent.connect(agent.token);
    expect(await statusOf(user, agent)).toMatchObject({
      ...{ agent_id: agent.id, state: "running", connected: true, version: "1.2.3" },
      ...{ capabilities: ["train"], labels: ["gpu"], work: [], reason: null },
      host: { cpus: 2, memory_bytes: 1000, gpus: [] },
    });
    const work = [{ kind: "run" as const, id: randomUUID(), since: new Date().toISOString() }];
    link.say({ type: "beat", state: "draining", work });
    const { body } = await reaches(user, agent, { state: "draining" });
    expect(body.work).toEqual(work);
    link.say({ type: "bye", state: "stopped", reason: "It is Friday." });
    expect((await reaches(user, agent, { state: "stopped" })).body).toMatchObject({
      ...{ reason: "It is Friday.", work: [] },
    });
    const events = await until(
      () => user.get(`${agent.path}/events`),
      ({ body: list }) => list.length === 3,
    );
    expect(events.body.map((event: any) => event.state)).toEqual(["stopped", "draining", "running"]);
    expect((await user.get(agent.path)).body).toMatchObject({
      ...{ state: "stopped", state_reason: "It is Friday.", version: "1.2.3", labels: ["gpu"] },
    });
  });

  it("keeps few lines of an agent that changes all the time, and still says how it is", async () => {
    const user = await newUser();
    const agent = await registerAgent(user);
    const link = await FakeAgent.connect(agent.token);
    for (let i = 0; i < 50; i++)
      for (const state of ["draining", "running"] as const) link.say({ type: "beat", state, work: [] });
    link.say({ type: "bye", state: "stopped", reason: "tired" });
    await until(
      () => user.get(agent.path),
      ({ body }) => body.state === "stopped",
    );
    const events = await user.get(`${agent.path}/events?limit=100`);
    expect(events.body).toHaveLength(30);
  });

  it("says how far the agent's clock is off", async () => {
    const user = await newUser();
    const agent = await registerAgent(user);
    const link = await FakeAgent.dial(agent.token);
    link.say(link.hello({ now: new Date(Date.now() + 3_600_000).toISOString() }));
    await link.hear("welcome");
    const { clock_skew_ms: skew } = await statusOf(user, agent);
    expect(Math.abs(skew - 3_600_000)).toBeLessThan(10_000);
  });
});

describe("two programs under one identity", () => {
  it("refuses the second while the first is alive, and lets it in afterwards", async () => {
    const user = await newUser();
    const agent = await registerAgent(user);
    const first = await FakeAgent.connect(agent.token);
    const second = await FakeAgent.dial(agent.token);
    second.say(second.hello());
    expect(await second.end()).toBe(4009);
    expect(first.closed).toBeUndefined();
    first.hangUp();
    await reaches(user, agent, { connected: false });
    await FakeAgent.connect(agent.token);
    expect((await statusOf(user, agent)).connected).toBe(true);
  });

  it("ends the second with status 4 once it sees that the first is alive, and never gives it a run", async () => {
    const user = await newUser();
    const agent = await registerAgent(user);
    const first = await FakeAgent.connect(agent.token);
    const { child, exited } = startAgentProgram(agent.token, ["--allow-command", "--label", agent.id]);
    let said = "";
    child.stdout!.on("data", (data) => (said += String(data)));
    const command = { argv: ["true"] };
    const run = { name: "r", model_type: "linear", kind: "command", command, labels: [agent.id] };
    const { body } = await user.post("/api/training/runs", run);
    await until(
      async () => said,
      (text) => text.includes("another program is connected"),
    );
    first.say({ type: "beat", state: "running", work: [] });
    expect(await exited).toEqual([4, null]);
    expect(said).toContain("each program needs a token of its own");
    expect((await user.get(`/api/training/runs/${body.id}`)).body.status).toBe("pending");
    expect(first.closed).toBeUndefined();
  });

  it("replaces the connection of the same program", async () => {
    const agent = await registerAgent(await newUser());
    const first = await FakeAgent.connect(agent.token);
    await FakeAgent.connect(agent.token, first.instance);
    expect(await first.end()).toBe(4010);
  });

  it("hears nothing more of the one it sent away, though it does not hang up", async () => {
    const user = await newUser();
    const agent = await registerAgent(user);
    const first = await FakeAgent.connect(agent.token);
    first.ignoreClose();
    const second = await FakeAgent.connect(agent.token, first.instance);
    first.say({ type: "bye", state: "stopped", reason: "forged" });
    first.say({ type: "log", level: "info", message: "forged", at: new Date().toISOString() });
    second.say({ type: "log", level: "info", message: "true", at: new Date().toISOString() });
    const { body } = await until(
      () => user.get(`${agent.path}/logs`),
      ({ body: lines }) => lines.some(({ message }: any) => message === "true"),
    );
    expect(body.map(({ message }: any) => message)).toEqual(["true"]);
    expect((await statusOf(user, agent)).state).toBe("running");
  });
});

describe("a command", () => {
  it("is refused at once when the agent is not connected", async () => {
    const user = await newUser();
    const agent = await registerAgent(user);
    const { status, body } = await user.post(`${agent.path}/stop`);
    expect([status, body.code]).toEqual([409, "AGENT_OFFLINE"]);
  });

  it("changes nothing about an agent that is not connected", async () => {
    const user = await newUser();
    const agent = await registerAgent(user);
    const { status, body } = await user.post(`${agent.path}/restart`);
    expect([status, body.code]).toEqual([409, "AGENT_OFFLINE"]);
    expect((await statusOf(user, agent)).state).toBe("stopped");
  });

  it("is answered at once when the agent is removed meanwhile", async () => {
    const user = await newUser();
    const agent = await registerAgent(user);
    const link = await FakeAgent.connect(agent.token);
    const answer = user.post(`${agent.path}/stop`);
    await link.hear("command");
    const began = Date.now();
    expect((await user.delete(agent.path)).status).toBe(204);
    expect((await answer).body.code).toBe("AGENT_SILENT");
    expect(Date.now() - began).toBeLessThan(5_000);
  });

  it("comes again after the connection broke, under the same id, and is answered once", async () => {
    const user = await newUser();
    const agent = await registerAgent(user);
    const link = await FakeAgent.connect(agent.token);
    const answer = user.post(`${agent.path}/stop`);
    const first = await link.hear("command");
    expect(first).toMatchObject({ name: "agent.stop" });
    link.hangUp();
    const again = await FakeAgent.connect(agent.token, link.instance);
    const second = await again.hear("command");
    expect(second.id).toBe(first.id);
    again.say({ type: "ack", id: second.id });
    again.say({ type: "result", id: second.id, reply: { ok: true, value: null } });
    expect((await answer).status).toBe(200);
    expect((await again.hear("result-ack")).id).toBe(second.id);
  });

  it("fails when another program dials in before it is answered", async () => {
    const user = await newUser();
    const agent = await registerAgent(user);
    const link = await FakeAgent.connect(agent.token);
    const answer = user.post(`${agent.path}/restart`);
    await link.hear("command");
    link.hangUp();
    await reaches(user, agent, { connected: false });
    await FakeAgent.connect(agent.token);
    const { status, body } = await answer;
    expect([status, body.code]).toEqual([503, "AGENT_SILENT"]);
  });

  it("tells the agent's own refusal", async () => {
    const user = await newUser();
    const agent = await registerAgent(user);
    const link = await FakeAgent.connect(agent.token);
    const answer = user.post(`${agent.path}/stop`);
    const { id } = await link.hear("command");
    link.say({ type: "result", id, reply: { ok: false, code: "NOT_NOW", message: "In a minute." } });
    const { status, body } = await answer;
    expect([status, body.code, body.error]).toEqual([502, "NOT_NOW", "In a minute."]);
  });

  it("is not for people who do not own the agent", async () => {
    const agent = await registerAgent(await newUser());
    await FakeAgent.connect(agent.token);
    const { status } = await (await newUser()).post(`${agent.path}/stop`);
    expect(status).toBe(404);
  });
});

describe("what no agent says", () => {
  const cases: Record<string, (link: FakeAgent) => void> = {
    "is not JSON": (link) => link.socket.send("{"),
    "is binary": (link) => link.socket.send(Buffer.from([0, 255, 1])),
    "is of no known type": (link) => link.say({ type: "nonsense" } as never),
    "is a second hello": (link) => link.say(link.hello()),
    "has a field too long": (link) => link.say({ type: "bye", state: "stopped", reason: "x".repeat(2000) }),
    "measures more than can be kept": (link) =>
      link.say({ type: "beat", state: "running", work: [], sample: "x".repeat(70_000) }),
    "leaves out an event": (link) => link.say({ type: "event", seq: 2, topic: "notebook:x", data: null }),
  };
  for (const [what, say] of Object.entries(cases)) {
    it(`closes the connection when it ${what}`, async () => {
      const user = await newUser();
      const agent = await registerAgent(user);
      const link = await FakeAgent.connect(agent.token);
      say(link);
      expect(await link.end()).toBe(4002);
      // Whoever knows how to behave gets in all the same.
      await FakeAgent.connect(agent.token, link.instance);
      expect((await statusOf(user, agent)).state).toBe("running");
    });
  }

  it("closes the connection when it comes before the hello", async () => {
    const agent = await registerAgent(await newUser());
    const link = await FakeAgent.dial(agent.token);
    link.say({ type: "beat", state: "running", work: [] });
    expect(await link.end()).toBe(4002);
  });
});

describe("the end of a token", () => {
  const ways: Record<string, (user: User, agent: Registered) => Promise<unknown>> = {
    "the agent is deleted": (user, { path }) => user.delete(path),
    "its token is revoked": (user, { path }) => user.delete(`${path}/ic-token`),
    "its token is replaced": (user, { path }) => user.post(`${path}/ic-token/regenerate`),
  };
  for (const [what, act] of Object.entries(ways)) {
    it(`closes the link at once when ${what}`, async () => {
      const user = await newUser();
      const agent = await registerAgent(user);
      const link = await FakeAgent.connect(agent.token);
      await act(user, agent);
      expect(await link.end()).toBe(4001);
      await expect(FakeAgent.dial(agent.token)).rejects.toThrow("refused 401");
    });
  }

  it("closes the link with the next beat after its owner was suspended", async () => {
    const user = await newUser();
    const agent = await registerAgent(user);
    const link = await FakeAgent.connect(agent.token);
    await query("update users set suspended_at = now() where id = $1", [user.id]);
    link.say({ type: "beat", state: "running", work: [] });
    expect(await link.end()).toBe(4001);
  });

  it("lets in neither nobody nor a person", async () => {
    const user = await newUser();
    expect((await user.get("/api/agent-link")).status).toBe(401);
    await expect(FakeAgent.dial("ic_nothing")).rejects.toThrow("refused 401");
    await expect(FakeAgent.dial("at_nothing")).rejects.toThrow("refused 401");
  });
});

it("keeps an agent's log and gives it out behind a place", async () => {
  const user = await newUser();
  const agent = await registerAgent(user);
  const link = await FakeAgent.connect(agent.token);
  const at = new Date().toISOString();
  for (const message of ["one", "two", "three"]) link.say({ type: "log", level: "info", message, at });
  const all = await until(
    () => user.get(`${agent.path}/logs`),
    ({ body }) => body.length === 3,
  );
  expect(all.body[0]).toEqual({ seq: expect.any(Number), level: "info", message: "one", timestamp: at });
  const rest = await user.get(`${agent.path}/logs?after=${all.body[0].seq}&limit=1`);
  expect(rest.body.map((line: any) => line.message)).toEqual(["two"]);
});

describe("the agent's program", () => {
  it("dials in, is started anew, and stops when it is told to", async () => {
    const user = await newUser();
    const agent = await registerAgent(user);
    const { exited } = startAgentProgram(agent.token);
    const up = await reaches(user, agent, { state: "running", connected: true });
    expect(up.body).toMatchObject({ capabilities: expect.arrayContaining(["train"]), work: [] });
    expect(up.body.host.cpus).toBeGreaterThan(0);
    expect((await user.post(`${agent.path}/restart`)).status).toBe(200);
    const since = up.body.since;
    await until(
      () => user.get(`${agent.path}/status`),
      ({ body }) => body.state === "running" && body.connected && body.since > since,
    );
    const stopped = await user.post(`${agent.path}/stop`);
    expect(stopped.status).toBe(200);
    // With nothing to finish it may have left already.
    expect(["draining", "stopped"]).toContain(stopped.body.state);
    expect(await exited).toEqual([0, null]);
    await reaches(user, agent, { state: "stopped", connected: false });
    const { body: lines } = await user.get(`${agent.path}/logs`);
    expect(lines.map((line: any) => line.message)).toContain("draining");
  });

  it("trains from the package it is built as, too", async () => {
    const folder = await buildAgent(mkdtempSync(join(tmpdir(), "myelin-agent-package-")));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const user = await newUser();
    const agent = await registerAgent(user);
    const label = `only-${randomUUID()}`;
    startAgentProgram(agent.token, ["--label", label], {}, { program: join(folder, "agent", "main.js") });
    await reaches(user, agent, { state: "running", connected: true });
    const { body: dataset } = await user.post("/api/builtin-datasets/iris/prepare");
    const config = { epochs: 2, batch_size: 16, learning_rate: 0.01, seed: 1 };
    const run = await newRun(user, { dataset_id: dataset.id, labels: [label], config });
    const ended = await until(
      () => user.get(`/api/training/runs/${run}`),
      ({ body }) => !["pending", "running"].includes(body.status),
    );
    expect([ended.body.status, ended.body.error_message]).toEqual(["completed", undefined]);
  });

  it("says goodbye when its process is told to end", async () => {
    const user = await newUser();
    const agent = await registerAgent(user);
    const { child, exited } = startAgentProgram(agent.token);
    await reaches(user, agent, { state: "running", connected: true });
    child.kill("SIGTERM");
    expect(await exited).toEqual([0, null]);
    await reaches(user, agent, { state: "stopped", connected: false });
  });

  it("ends with status 3 when its token is taken away", async () => {
    const user = await newUser();
    const agent = await registerAgent(user);
    const { exited } = startAgentProgram(agent.token);
    await reaches(user, agent, { state: "running", connected: true });
    await user.delete(`${agent.path}/ic-token`);
    expect(await exited).toEqual([3, null]);
  });
});
