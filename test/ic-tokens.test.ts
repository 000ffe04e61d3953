import { randomUUID } from "node:crypto";
import { describe, expect, inject, it } from "vitest";
import { PERMISSION_NAMES } from "../src/kernel/actor.ts";
import {
  admin,
  Client,
  newAdmin,
  newRun,
  newUser,
  newViewer,
  query,
  until,
  type User,
} from "./support/client.ts";
import { fileForm } from "./support/holdings.ts";
import { RawRequest } from "./support/raw.ts";
import { expectStatus } from "./support/refusal.ts";

const machine = (token: string) => new Client(inject("url"), { "x-ic-token": token });
const claim = (client: Client, holding: string[] = []) =>
  client.post("/api/training/leases", { capabilities: ["train"], version: "test", holding });
const WEB_SOCKET = {
  ...{ connection: "upgrade", upgrade: "websocket" },
  ...{ "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" },
};

async function newAgent(user: Client, fields: Record<string, unknown> = {}) {
  const { status, body } = await user.post("/api/agents", { name: randomUUID(), ...fields });
  expect(status).toBe(201);
  return { id: body.id as string, token: body.token as string, client: machine(body.token) };
}

/** A run that waits for an agent of its owner. */
async function newQueuedRun(user: User): Promise<string> {
  const dataset = await user.post("/api/datasets", fileForm({ name: "d" }, "a,b\n1,2\n", "d.csv"));
  const { status, body } = await user.post("/api/training/runs", {
    ...{ name: "queued", model_type: "mlp", dataset_id: dataset.body.id, executor: "agent" },
    config: { epochs: 1, batch_size: 1, learning_rate: 0.1, target: "b" },
  });
  expect(status).toBe(201);
  return body.id;
}

/** Makes a custom role and returns its name. */
async function newRole(chief: User, fields: Record<string, unknown>): Promise<string> {
  const name = `r-${randomUUID().slice(0, 8)}`;
  expectStatus(await chief.post("/api/admin/roles", { name, base: "user", ...fields }), "role", 201);
  return name;
}

describe("an agent's token", () => {
  it("goes from issue over regenerate to revoke, and is told only once", async () => {
    const user = await newUser();
    const { id, token } = await newAgent(user);
    const path = `/api/agents/${id}/ic-token`;
    const first = await user.get(path);
    expect(first.body).toEqual({ agent_id: id, has_ic_token: true, created_at: expect.any(String) });
    expect((await user.post(path)).body.code).toBe("IC_TOKEN_EXISTS");
    const next = await user.post(`${path}/regenerate`);
    expect([next.status, next.body]).toEqual([
      200,
      {
        ...{ agent_id: id, ic_token: expect.stringMatching(/^ic_[0-9a-f-]{36}$/) },
        ...{
          created_at: expect.any(String),
          warning: expect.stringMatching(/\S/),
          old_token_invalidated: true,
        },
      },
    ]);
    expect(next.body.ic_token).not.toBe(token);
    expect((await user.get(path)).body.created_at).toBe(next.body.created_at);
    expectStatus(await user.delete(path), "revoke", 204);
    expect((await user.get(path)).body).toEqual({ agent_id: id, has_ic_token: false, created_at: null });
    for (const answer of [await user.delete(path), await user.post(`${path}/regenerate`)])
      expect([answer.status, answer.body.code]).toEqual([404, "IC_TOKEN_NOT_FOUND"]);
    const issued = await user.post(path);
    expect([issued.status, issued.body.agent_id]).toEqual([201, id]);
    expectStatus(await claim(machine(issued.body.ic_token)), "the new one", 200);
    const [row] = await query("select * from agents where id = $1", [id]);
    expect(JSON.stringify(row)).not.toContain(issued.body.ic_token);
  });

  it("issued by many at once is issued once", async () => {
    const user = await newUser();
    const { id } = await newAgent(user);
    await user.delete(`/api/agents/${id}/ic-token`);
    const issue = () => user.post(`/api/agents/${id}/ic-token`);
    const answers = await Promise.all(Array.from({ length: 10 }, issue));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, ...Array(9).fill(409)]);
    const { body } = answers.find(({ status }) => status === 201)!;
    expectStatus(await claim(machine(body.ic_token)), "the one issued", 200);
  });

  it("of somebody else's agent is not there", async () => {
    const { id, client } = await newAgent(await newUser());
    const path = `/api/agents/${id}/ic-token`;
    const other = await newUser();
    const attempts = [
      other.get(path),
      other.post(path),
      other.post(`${path}/regenerate`),
      other.delete(path),
    ];
    for (const answer of await Promise.all(attempts)) expectStatus(answer, "another's", 404);
    expectStatus(await claim(client), "it lives", 200);
  });

  it("is for a person to issue, not for a program and not for a viewer", async () => {
    const user = await newUser();
    const { id } = await newAgent(user);
    const path = `/api/agents/${id}/ic-token`;
    const made = await user.post("/api/tokens", { name: "t", scopes: ["*"] });
    const program = new Client(inject("url"), { "x-api-token": made.body.token });
    for (const answer of [await program.post(path), await program.post(`${path}/regenerate`)])
      expect([answer.status, answer.body.code]).toEqual([403, "SESSION_REQUIRED"]);
    const viewer = await newViewer();
    expectStatus(await viewer.post(path), "viewer", 403);
  });

  it("is an administrator's to take away too", async () => {
    const { id, client } = await newAgent(await newUser());
    const chief = await admin();
    expectStatus(await chief.delete(`/api/agents/${id}/ic-token`), "revoke", 204);
    expectStatus(await claim(client), "revoked", 401);
    const { body } = await chief.get(`/api/admin/audit?target_id=${id}&action=agent.*`);
    expect(body.map(({ action }: any) => action)).toEqual(["agent.token_revoked", "agent.created"]);
  });
});

describe("a revoked token bites", () => {
  /** An agent with every kind of call it may make; what it has not, it is told otherwise than by 401. */
  async function atWork() {
    const user = await newUser();
    const agent = await newAgent(user);
    const { client } = agent;
    const run = await newRun(user);
    const calls = {
      claim: () => claim(client),
      metrics: () => client.post(`/api/training/runs/${run}/metrics`, { epoch: 0, step: 1 }),
      logs: () => client.post(`/api/training/runs/${run}/logs`, { message: "x" }),
      dataset: () => client.get(`/api/training/leases/${run}/dataset`),
      report: () => client.post(`/api/training/leases/${run}/report`, { success: true }),
    };
    return { user, agent, calls };
  }

  it.each([
    ["revoked", (id: string, user: User) => user.delete(`/api/agents/${id}/ic-token`)],
    ["regenerated", (id: string, user: User) => user.post(`/api/agents/${id}/ic-token/regenerate`)],
    ["removed with its agent", (id: string, user: User) => user.delete(`/api/agents/${id}`)],
  ])("on every route at once when %s, whatever was remembered", async (_, end) => {
    const { user, agent, calls } = await atWork();
    for (const call of Object.values(calls)) expect((await call()).status).not.toBe(401);
    expect((await end(agent.id, user)).status).toBeLessThan(300);
    for (const [name, call] of Object.entries(calls)) expectStatus(await call(), name, 401);
  });

  it("within five seconds on hot routes when another instance of the Worker revoked it", async () => {
    const { agent, calls } = await atWork();
    await calls.metrics();
    await query("update agents set token_hash = null where id = $1", [agent.id]);
    expectStatus(await calls.claim(), "leases", 401);
    await until(calls.metrics, ({ status }) => status === 401, { withinMs: 6_000, everyMs: 250 });
  });
});

describe("an agent is its owner's word", () => {
  it("and is refused while the owner is suspended", async () => {
    const user = await newUser();
    const { client } = await newAgent(user);
    const chief = await admin();
    expectStatus(await claim(client), "before", 200);
    await chief.post(`/api/admin/users/${user.id}/suspend`, {});
    expectStatus(await claim(client), "suspended", 401);
    await chief.post(`/api/admin/users/${user.id}/activate`);
    expectStatus(await claim(client), "active again", 200);
  });

  it.each<[string, string, (chief: User) => Promise<Record<string, unknown>>]>([
    ["is a viewer now", "agents:write", async () => ({ role: "viewer" })],
    ["is denied agents", "agents:write", async () => ({ denied: ["agents:write"] })],
    ["is denied runs", "runs:write", async () => ({ denied: ["runs:write"] })],
    [
      "has a custom role without either",
      "agents:write",
      async (chief) => ({ custom_role: await newRole(chief, { permissions: ["runs:read"] }) }),
    ],
    [
      "has a custom role that denies runs",
      "runs:write",
      async (chief) => {
        const permissions = ["agents:write", "runs:write"];
        return { custom_role: await newRole(chief, { permissions, denied: ["runs:write"] }) };
      },
    ],
  ])("and does nothing more while the owner %s", async (_, permission, change) => {
    const [chief, user] = [await admin(), await newUser()];
    const { client } = await newAgent(user);
    await newQueuedRun(user);
    const { lease } = (await claim(client)).body;
    const run = lease?.run_id ?? (await newRun(user));
    const calls = {
      claim: () => claim(client, [run]),
      metrics: () => client.post(`/api/training/runs/${run}/metrics`, { epoch: 0, step: 1 }),
      dataset: () => client.get(`/api/training/leases/${run}/dataset`),
      report: () => client.post(`/api/training/leases/${run}/report`, { success: true }),
    };
    expect((await calls.metrics()).status).not.toBe(403);
    expectStatus(await chief.put(`/api/admin/users/${user.id}`, await change(chief)), "change", 200);
    for (const [name, call] of Object.entries(calls)) {
      const answer = await call();
      expectStatus(answer, name, 403);
      expect(answer.body).toMatchObject({ code: "PERMISSION_DENIED", details: { permission } });
    }
    const back = { role: "user", custom_role: null, denied: [] };
    expectStatus(await chief.put(`/api/admin/users/${user.id}`, back), "back", 200);
    expectStatus(await calls.claim(), "may again", 200);
    await user.delete(`/api/training/runs/${run}`);
  });

  it.each([
    ["a demotion", "role = 'user'"],
    ["a denial", `denied = '["agents:share"]'`],
    ["a custom role without sharing", "custom_role = $2"],
  ])("and takes no stranger's work once its owner may not share any more by %s", async (_, change) => {
    const owner = await newAdmin();
    const { id, client } = await newAgent(owner, { shared: true });
    const stranger = await newUser();
    // More than the platform's own agent, which is shared too, takes at once.
    const runs = await Promise.all(Array.from({ length: 12 }, () => newQueuedRun(stranger)));
    const { lease } = (await claim(client)).body;
    expect(runs).toContain(lease.run_id);
    const permissions = PERMISSION_NAMES.filter((name) => name !== "agents:share");
    const role = await newRole(await admin(), { base: "admin", permissions });
    await query(`update users set ${change} where id = $1 and $2 <> ''`, [owner.id, role]);
    const later = await claim(client, [lease.run_id]);
    const waiting = await query("select 1 from runs where owner_id = $1 and status = 'pending'", [
      stranger.id,
    ]);
    expect([later.body.lease, waiting.length > 0]).toEqual([null, true]);
    const regenerated = await owner.post(`/api/agents/${id}/ic-token/regenerate`);
    expect(regenerated.body).toMatchObject({
      code: "PERMISSION_DENIED",
      details: { permission: "agents:share" },
    });
    await Promise.all(runs.map((run) => stranger.delete(`/api/training/runs/${run}`)));
  });
});

it("opens no stream, so that none has to be closed", async () => {
  const user = await newUser();
  const { client } = await newAgent(user);
  const run = await newRun(user);
  const path = `/api/training/runs/${run}/stream`;
  const upgrade = { ...client.headers, ...WEB_SOCKET };
  expectStatus(await (await RawRequest.open("GET", path, upgrade)).answer(), "stream", 401);
  expectStatus(await client.post(`${path}-ticket`), "ticket", 401);
});
