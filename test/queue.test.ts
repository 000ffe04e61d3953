import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { AgentProgram } from "./support/agent-program.ts";
import { admin, Client, newAdmin, newUser, newViewer, query, until, type User } from "./support/client.ts";

const COMMAND = { name: "c", model_type: "x", kind: "command", command: { argv: ["true"] } };
let user: User;
beforeAll(async () => {
  user = await newUser();
});

async function submit(extra: Record<string, unknown>, owner: User = user): Promise<string> {
  const { status, body } = await owner.post("/api/training/runs", { ...COMMAND, ...extra });
  if (status !== 201) throw new Error(`run: ${status} ${JSON.stringify(body)}`);
  return body.id;
}
const queue = async (who: User = user) => (await who.get("/api/training/queue")).body as any[];

describe("the queue", () => {
  const label = `none-${randomUUID()}`;

  it("goes by priority, then by age, and says what is missing", async () => {
    const old = await submit({ labels: [label] });
    const young = await submit({ labels: [label] });
    const urgent = await submit({ labels: [label, label], priority: 5 });
    const other = await submit({ labels: [`${label}.2`], priority: -5 });
    const all = await queue();
    expect(all.map(({ run_id, position }) => [run_id, position])).toEqual([
      [urgent, 1],
      [old, 2],
      [young, 3],
      [other, 1],
    ]);
    expect(all[0]).toMatchObject({ reason: "no_agent_with_labels", labels: [label], kind: "command" });
    expect(all[0].agents).toMatchObject({ matching: 0, places: 0, busy: 0 });
    expect(all[0].agents.capable).toBeGreaterThanOrEqual(1);

    const pages: string[] = [];
    let next: string | undefined = "/api/training/queue?limit=1";
    while (next) {
      const { body, headers }: any = await user.get(next);
      pages.push(...body.map(({ run_id }: any) => run_id));
      next = /<([^>]+)>/.exec(headers.get("link") ?? "")?.[1];
    }
    expect(pages).toEqual([urgent, old, young, other]);
    expect(await queue(await newUser())).toEqual([]);
    expect((await queue(await admin())).map(({ run_id }) => run_id)).toEqual(expect.arrayContaining(pages));
    for (const id of pages) {
      const stopped = await user.post(`/api/training/runs/${id}/stop`);
      expect(stopped.body).toMatchObject({ status: "stopped" });
      expect(stopped.body.started_at).toBeUndefined();
    }
    expect(await queue()).toEqual([]);
  });

  it.each(["0.x", "1", "99999.abc", "0.!!", "-1.MjAyNnx4"])("refuses the cursor %s", async (cursor) => {
    expect((await user.get(`/api/training/queue?cursor=${cursor}`)).status).toBe(422);
  });
});

describe("an agent takes only what it can and may", () => {
  let agent: AgentProgram;
  afterAll(() => agent.stop());

  it("one run at a time when it was told so, the urgent first, and says that it is busy meanwhile", async () => {
    agent = await AgentProgram.of(user, ["--allow-command", "--label", "second"]);
    const labels = [agent.label, "second"];
    const sleep = (seconds: number) => ({ command: { argv: ["sleep", String(seconds)] }, labels });
    const first = await submit(sleep(2));
    await until(
      async () => (await user.get(`/api/training/runs/${first}`)).body.status,
      (status) => status === "running",
    );
    const later = [
      await submit(sleep(0)),
      await submit(sleep(0)),
      await submit({ ...sleep(0), priority: 1 }),
    ];
    const [next] = await queue();
    expect(next).toMatchObject({ run_id: later[2], position: 1, reason: "agents_busy" });
    expect(next.agents).toMatchObject({ matching: 1, places: 1, busy: 1 });
    const rows = await until(
      () =>
        query("select id from runs where id = any($1) and status = 'completed' order by completed_at", [
          later,
        ]),
      (done) => done.length === 3,
    );
    expect(rows.map(({ id }: any) => id)).toEqual([later[2], later[0], later[1]]);
  });

  it("shows a command with its run and leaves it out of lists, where it may be long", async () => {
    const command = { script: "x".repeat(200_000) };
    const id = await submit({ command, labels: [`never-${randomUUID()}`] });
    const shown = (await user.get(`/api/training/runs/${id}`)).body;
    expect(shown.command).toEqual({ ...command, interpreter: "python3", files: [], env: {} });
    const [listed] = (await user.get("/api/training/runs?limit=1")).body;
    expect(listed.id).toBe(id);
    expect(listed).not.toHaveProperty("command");
  });

  it("says what it is to those who look", async () => {
    const [mine] = (await user.get("/api/agents")).body;
    expect(mine).toMatchObject({ labels: [agent.label, "second"], concurrency: 1 });
    expect(mine.capabilities).toEqual(expect.arrayContaining(["train", "command"]));
  });

  it("no command unless it says that it runs commands, and none without its labels", async () => {
    const owner = await newUser();
    const { token } = (await owner.post("/api/agents", { name: "raw" })).body;
    const raw = new Client(inject("url"), { "x-ic-token": token });
    const label = `raw-${randomUUID()}`;
    const run = await submit({ labels: [label] }, owner);
    const beat = async (capabilities: string[], labels: string[]) =>
      (await raw.post("/api/training/leases", { capabilities, labels, version: "0", holding: [] })).body
        .lease;
    expect(await beat(["train"], [label])).toBeNull();
    expect((await queue(owner))[0].agents).toMatchObject({ matching: 0 });
    expect(await beat(["command"], [`${label}x`])).toBeNull();
    expect(await beat(["train", "command"], ["more", label])).toMatchObject({
      run_id: run,
      kind: "command",
      attempt: 1,
      resumed: false,
      command: { argv: ["true"], files: [], env: {} },
      token: expect.stringMatching(/^rt_/),
    });
  });
});

it("an agent that did not hear that it was given a run gets it again, with a token that replaces the lost one", async () => {
  const owner = await newUser();
  const { token } = (await owner.post("/api/agents", { name: "deaf" })).body;
  const deaf = new Client(inject("url"), { "x-ic-token": token });
  const label = `deaf-${randomUUID()}`;
  const run = await submit({ labels: [label] }, owner);
  const beat = async () => {
    const asked = { capabilities: ["command"], labels: [label], version: "0", holding: [] };
    return (await deaf.post("/api/training/leases", asked)).body.lease;
  };
  const [first, second] = [await beat(), await beat()];
  expect([first, second]).toMatchObject([
    { run_id: run, resumed: false },
    { run_id: run, resumed: true, attempt: 1, entries: 0 },
  ]);
  const report = (bearer: string) =>
    new Client(inject("url"), { authorization: `Bearer ${bearer}` }).post(`/api/training/runs/${run}/logs`, {
      message: "x",
    });
  expect((await report(first.token)).status).toBe(401);
  expect((await report(second.token)).status).toBe(201);
});

describe("an agent that serves everybody", () => {
  /** A shared agent with a label of its own that takes one run at a beat, and reports it done. */
  async function sharedAgent(owner: User) {
    const { id, token } = (await owner.post("/api/agents", { name: "shared" })).body;
    await query("update agents set shared = true where id = $1", [id]);
    const raw = new Client(inject("url"), { "x-ic-token": token });
    const label = `shared-${randomUUID()}`;
    const beat = async (): Promise<string | undefined> => {
      const asked = { capabilities: ["command"], labels: [label], version: "0", holding: [] };
      const { lease } = (await raw.post("/api/training/leases", asked)).body;
      if (!lease) return undefined;
      await raw.post(`/api/training/leases/${lease.run_id}/report`, { success: true });
      return lease.run_id;
    };
    const unshare = () => query("update agents set shared = false where id = $1", [id]);
    onTestFinished(() => unshare().then(() => {}));
    return { label, beat, submit: (extra: object, who: User) => submit({ labels: [label], ...extra }, who) };
  }
  const turns = async (who: User) => (await queue(who)).map(({ run_id, position }) => [run_id, position]);

  it("goes by age among people, by urgency among one's own, and lets nobody push before others", async () => {
    const [chief, ann, ben] = await Promise.all([newAdmin(), newUser(), newUser()]);
    const agent = await sharedAgent(chief);
    const kind = await agent.submit({ priority: -1 }, ann);
    const first = await agent.submit({}, ann);
    const other = await agent.submit({}, ben);
    const urgent = await agent.submit({ priority: 1000 }, ann);
    await agent.beat().then((run) => expect(run).toBe(urgent));
    // The turn of Ann's oldest went to her most urgent, whose place it has got.
    await until(
      () => turns(ann),
      (of) => of.length === 2,
    );
    expect(await turns(ann)).toEqual([
      [first, 2],
      [kind, 3],
    ]);
    expect(await turns(ben)).toEqual([[other, 1]]);
    const house = await agent.submit({ priority: 1 }, chief);
    const order = [];
    for (let i = 0; i < 4; i++) order.push(await agent.beat());
    expect(order).toEqual([house, other, first, kind]);
    expect(await agent.beat()).toBeUndefined();
  });

  it("lets nobody starve, however many urgent runs somebody else adds", async () => {
    const [chief, ann, ben] = await Promise.all([newAdmin(), newUser(), newUser()]);
    const agent = await sharedAgent(chief);
    const old = await agent.submit({}, ann);
    const other = await agent.submit({}, ben);
    const urgent = [];
    for (let i = 0; i < 4; i++) urgent.push(await agent.submit({ priority: 5 }, ann));
    const order = [await agent.beat()];
    await until(
      () => turns(ben),
      ([turn]) => turn?.[1] === 1,
    );
    for (let i = 0; i < 5; i++) order.push(await agent.beat());
    expect(order).toEqual([urgent[0], other, ...urgent.slice(1), old]);
  });

  it("starts nothing of somebody who is suspended, and no command of somebody who may run none any more", async () => {
    const [chief, gone, denied] = await Promise.all([newAdmin(), newUser(), newUser()]);
    const agent = await sharedAgent(chief);
    const waits = await agent.submit({}, gone);
    const refused = await agent.submit({}, denied);
    await query("update users set suspended_at = now() where id = $1", [gone.id]);
    await query("update users set denied = '[\"runs:command\"]' where id = $1", [denied.id]);
    expect(await agent.beat()).toBeUndefined();
    expect((await denied.get(`/api/training/runs/${refused}`)).body).toMatchObject({
      status: "failed",
      error_message: "The owner of this run may run no commands any more.",
    });
    await query("update users set suspended_at = null where id = $1", [gone.id]);
    expect(await agent.beat()).toBe(waits);
  });
});

describe("who may submit commands", () => {
  it("not a viewer, nor whoever lacks the permission", async () => {
    const viewer = await newViewer();
    expect((await viewer.post("/api/training/runs", COMMAND)).status).toBe(403);
    const denied = await newUser();
    await query("update users set denied = '[\"runs:command\"]' where id = $1", [denied.id]);
    const answer = await denied.post("/api/training/runs", COMMAND);
    expect(answer).toMatchObject({ status: 403, body: { details: { permission: "runs:command" } } });
    const external = { name: "x", model_type: "x", config: { epochs: 1, batch_size: 1, learning_rate: 1 } };
    expect((await denied.post("/api/training/runs", external)).status).toBe(201);
  });
});

describe("a command that is refused", () => {
  const argv = ["true"];
  const file = { dataset_id: randomUUID(), as: "a" };
  it.each<[string, Record<string, unknown>]>([
    ["without a command", { command: undefined }],
    ["with neither argv nor script", { command: {} }],
    ["with both", { command: { argv, script: "x" } }],
    ["with no program", { command: { argv: [] } }],
    ["with an empty program", { command: { argv: [""] } }],
    ["with NUL", { command: { argv: ["a\0b"] } }],
    ["with half a character", { command: { argv: ["\ud800"] } }],
    ["with too much", { command: { argv: Array.from({ length: 20 }, () => "x".repeat(16_000)) } }],
    ["with an interpreter and no script", { command: { argv, interpreter: "python3" } }],
    ["with an interpreter that is more than a name", { command: { script: "x", interpreter: "sh -c" } }],
    ["with too long a script", { command: { script: "x".repeat(300_000) } }],
    ["with our own variables", { command: { argv, env: { MYELIN_RUN_ID: "x" } } }],
    ["with MLflow's", { command: { argv, env: { mlflow_tracking_uri: "x" } } }],
    ["with a variable that is no name", { command: { argv, env: { "A=B": "x" } } }],
    ["with NUL in a variable", { command: { argv, env: { A: "\0" } } }],
    ["with a file that leads out", { command: { argv, files: [{ ...file, as: "../a" }] } }],
    ["with an absolute file", { command: { argv, files: [{ ...file, as: "/etc/passwd" }] } }],
    ["with a file of nothing", { command: { argv, files: [{ as: "a" }] } }],
    [
      "with a file of two things",
      { command: { argv, files: [{ ...file, model_version_id: randomUUID() }] } },
    ],
    ["with two files in one place", { command: { argv, files: [file, file] } }],
    ["with a file where a folder is", { command: { argv, files: [file, { ...file, as: "a/b" }] } }],
    ["with somebody else's dataset", { command: { argv, files: [file] } }],
    [
      "with somebody else's version",
      { command: { argv, files: [{ model_version_id: randomUUID(), as: "a" }] } },
    ],
    ["for no agent", { executor: "external" }],
    ["to register no model", { register: "notes.txt" }],
    ["to register what is elsewhere", { register: "../model.onnx" }],
    ["of another kind", { kind: "builtin:tabular" }],
    ["with a wrong label", { labels: ["a b"] }],
    ["with too many attempts", { max_retries: 11 }],
    ["with no time", { timeout_seconds: 0 }],
  ])("%s", async (_, extra) => {
    const before = (await user.get("/api/training/runs")).body.length;
    const { status, body } = await user.post("/api/training/runs", { ...COMMAND, ...extra });
    expect([status, body.code]).toEqual([422, expect.any(String)]);
    expect((await user.get("/api/training/runs")).body).toHaveLength(before);
  });
});
