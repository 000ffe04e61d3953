import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getTableColumns, getTableName, is } from "drizzle-orm";
import { PgTable } from "drizzle-orm/pg-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { Platform } from "../local/platform.ts";
import * as schema from "../src/db/schema.ts";
import { PERMISSION_NAMES } from "../src/kernel/actor.ts";
import {
  admin,
  anonymous,
  type Answer,
  Client,
  newAdmin,
  newRun,
  newUser,
  newViewer,
  query,
  signIn,
  until,
  type User,
} from "./support/client.ts";
import { holdingsOf } from "./support/holdings.ts";
import { startOwnPlatform } from "./support/own-platform.ts";
import { expectStatus } from "./support/refusal.ts";

const nobody = anonymous();
const newEmail = () => `${randomUUID()}@example.com`;
const CLAIM = { capabilities: [], version: "test", holding: [] };
const at = (user: { id: string }) => `/api/admin/users/${user.id}`;

let chief: User;
beforeAll(async () => {
  chief = await admin();
});

async function created(fields: Record<string, unknown> = {}): Promise<any> {
  const answer = await chief.post("/api/admin/users", { email: newEmail(), name: "New", ...fields });
  expectStatus(answer, "create", 201);
  return answer.body;
}

/** The newest mail of a kind to somebody, once it is there. */
async function mailTo(email: string, kind: string): Promise<any> {
  const find = async () =>
    (await chief.get("/api/admin/mail?limit=1000")).body.find(
      (mail: any) => mail.to === email && mail.kind === kind,
    );
  return until(find, (mail) => mail !== undefined);
}

const tokenIn = (mail: any): string => /[?&]token=([\w-]+)/.exec(mail.text)![1]!;

describe("an account an administrator makes", () => {
  it("is let in, has no password, and its owner gets a link to choose one", async () => {
    const user = await created({ name: "Ada <b>" });
    expect(user).toMatchObject({ role: "user", custom_role: null, status: "active", approved: true });
    expect(user).toMatchObject({ has_password: false, email_verified: false, denied: [] });
    const mail = await mailTo(user.email, "reset-password");
    expect(mail.text).toMatch(/https?:\/\/\S+\/reset-password\?token=[\w-]{43}/);
    const [row] = await query(
      `select purpose, data, used_at, extract(epoch from expires_at - created_at) ttl
       from one_time_tokens where user_id = $1`,
      [user.id],
    );
    expect(row).toMatchObject({ purpose: "reset-password", data: { email: user.email }, used_at: null });
    expect(Number(row.ttl)).toBe(7 * 86_400);
    expect(JSON.stringify(await query("select * from one_time_tokens"))).not.toContain(tokenIn(mail));
  });

  it("gets no password from anybody, when made or later", async () => {
    const password = "correct horse battery";
    const made = await chief.post("/api/admin/users", { email: newEmail(), name: "X", password });
    const user = await newUser();
    const changed = await chief.put(at(user), { password });
    for (const answer of [made, changed]) {
      expectStatus(answer, "password", 422);
      expect(answer.body.error).toMatch(/password: is not yours to choose/);
    }
    await signIn(user.email, user.password);
  });

  it("is the only one with its address, however that is written", async () => {
    const { email } = await created();
    const again = { email: ` ${email.toUpperCase()} `, name: "X" };
    const answers = await Promise.all(Array.from({ length: 4 }, () => chief.post("/api/admin/users", again)));
    for (const { status, body } of answers) expect([status, body.code]).toEqual([409, "EMAIL_TAKEN"]);
  });

  it.each([
    ["an unknown role", { role: "root" }],
    ["an unknown custom role", { custom_role: "no-such-role" }],
    ["no address", { email: "nobody" }],
    ["no name", { name: "" }],
  ])("is not made with %s", async (_, fields) => {
    const answer = await chief.post("/api/admin/users", { email: newEmail(), name: "X", ...fields });
    expectStatus(answer, "create", 422);
  });

  it("takes no column it is not asked for", async () => {
    const id = randomUUID();
    const user = await created({
      ...{ id, password_hash: "x", passwordHash: "x", email_verified_at: "2020-01-01T00:00:00Z" },
      ...{ provisioned: true, suspended_at: "2020-01-01T00:00:00Z", denied: ["models:read"] },
    });
    expect(user.id).not.toBe(id);
    const [row] = await query("select * from users where id = $1", [user.id]);
    expect(row).toMatchObject({ password_hash: null, provisioned: false, suspended_at: null, denied: [] });
  });
});

describe("the list of accounts", () => {
  it("is paged, newest first, and searched in address and name", async () => {
    const mark = randomUUID().slice(0, 8);
    const users = [];
    for (let i = 0; i < 5; i++) users.unshift(await created({ name: `Zoë ${mark.toUpperCase()} ${i}` }));
    const first = await chief.get(`/api/admin/users?search=zoë%20${mark}&limit=3`);
    const next = /<([^>]+)>/.exec(first.headers.get("link")!)![1]!;
    const second = await chief.get(next);
    expect([...first.body, ...second.body].map(({ id }) => id)).toEqual(users.map(({ id }) => id));
    expect([first.body.length, second.headers.get("link")]).toEqual([3, null]);
    const byAddress = await chief.get(`/api/admin/users?search=${users[0].email.slice(0, 30)}`);
    expect(byAddress.body.map(({ id }: any) => id)).toEqual([users[0].id]);
  });

  it.each(["%", "_", "\\", "%' or 1=1 --", "a%b", "%25", "' union select 1 --"])(
    "takes %j for what it is",
    async (text) => {
      const mark = randomUUID();
      const [hit, miss] = [
        await created({ name: `${mark} ${text} x` }),
        await created({ name: `${mark} y x` }),
      ];
      const search = encodeURIComponent(`${mark} ${text}`);
      const { body } = await chief.get(`/api/admin/users?search=${search}`);
      expect(body.map(({ id }: any) => id)).toEqual([hit.id]);
      expect(body).not.toContainEqual(expect.objectContaining({ id: miss.id }));
    },
  );

  it("is filtered by role and status", async () => {
    const mark = randomUUID();
    const [active, suspended, pending, viewer] = await Promise.all(
      ["active", "suspended", "pending", "viewer"].map((name) => created({ name: `${mark} ${name}` })),
    );
    await chief.post(`${at(suspended)}/suspend`, { reason: "gone" });
    await query("update users set approved_at = null where id = $1", [pending.id]);
    await chief.put(at(viewer), { role: "viewer" });
    const ids = async (filter: string) =>
      (await chief.get(`/api/admin/users?search=${mark}&${filter}`)).body.map(({ id }: any) => id).toSorted();
    expect(await ids("status=active")).toEqual([active.id, viewer.id].toSorted());
    expect(await ids("status=suspended")).toEqual([suspended.id]);
    expect(await ids("status=pending")).toEqual([pending.id]);
    expect(await ids("role=viewer&status=active")).toEqual([viewer.id]);
    expectStatus(await chief.get("/api/admin/users?status=dead"), "status", 422);
  });

  it("tells who has a second factor, in lists as for one", async () => {
    const user = await created({ name: randomUUID() });
    await query(
      `insert into passkeys (user_id, credential_id, public_key, counter, name) values ($1, $2, '', 0, 'key')`,
      [user.id, randomUUID()],
    );
    const [listed] = (await chief.get(`/api/admin/users?search=${user.name}`)).body;
    for (const one of [listed, (await chief.get(at(user))).body])
      expect(one).toMatchObject({ webauthn_enabled: true, mfa_enabled: true, totp_enabled: false });
  });

  it("shows no hash", async () => {
    const { body } = await chief.get("/api/admin/users?limit=1000");
    expect(JSON.stringify(body)).not.toMatch(/argon2|hash/i);
  });
});

describe("a change of an account", () => {
  it("of the address has it verified again, tells the old one, and ends links mailed to it", async () => {
    const user = await created();
    await mailTo(user.email, "reset-password");
    await query("update users set email_verified_at = now() where id = $1", [user.id]);
    const email = newEmail();
    const { body } = await chief.put(at(user), { email });
    expect(body).toMatchObject({ email, email_verified: false });
    expect((await mailTo(email, "verify-email")).text).toMatch(/\/verify-email\?token=/);
    expect((await mailTo(user.email, "address-moved")).text).toContain(email);
    const rows = await query("select purpose from one_time_tokens where user_id = $1 and used_at is null", [
      user.id,
    ]);
    expect(rows.map(({ purpose }) => purpose)).toEqual(["verify-email"]);
  });

  it("to a taken address is refused", async () => {
    const [one, other] = [await created(), await created()];
    const { status, body } = await chief.put(at(one), { email: other.email.toUpperCase() });
    expect([status, body.code]).toEqual([409, "EMAIL_TAKEN"]);
  });

  it("of the role is felt at once, by sessions and by tokens", async () => {
    const user = await newUser();
    const made = await user.post("/api/tokens", { name: "t", scopes: ["*"] });
    const program = new Client(inject("url"), { "x-api-token": made.body.token });
    const run = await newRun(user);
    const report = (client: Client) =>
      client.post(`/api/training/runs/${run}/metrics`, { epoch: 0, step: 1 });
    for (const client of [user, program]) expectStatus(await report(client), "as user", 201);
    expectStatus(await chief.put(at(user), { role: "viewer" }), "demote", 200);
    for (const client of [user, program]) expectStatus(await report(client), "as viewer", 403);
    expectStatus(await chief.put(at(user), { role: "admin" }), "promote", 200);
    expectStatus(await user.get("/api/admin/users"), "as admin", 200);
    expectStatus(await chief.put(at(user), { denied: ["users:read"] }), "deny", 200);
    for (const client of [user, program]) expectStatus(await client.get("/api/admin/users"), "denied", 403);
  });

  it("that somebody makes of themselves raises nobody", async () => {
    const user = await newUser();
    for (const path of [at(user), "/api/auth/me"])
      for (const method of ["PUT", "PATCH", "POST"])
        expectStatus(await user.call(method, path, { role: "admin" }), `${method} ${path}`, 403, 405, 422);
    expectStatus(await user.put("/api/auth/me", { name: "Test", role: "admin" }), "with a name", 200);
    expect((await user.get("/api/auth/me")).body.role).toBe("user");
  });
});

describe("nobody does it to themselves", () => {
  it.each<[string, (self: User) => Promise<Answer>]>([
    ["demotion", (self) => self.put(at(self), { role: "user" })],
    ["denial", (self) => self.put(at(self), { denied: ["audit:read"] })],
    ["suspension", (self) => self.post(`${at(self)}/suspend`, {})],
    ["deletion", (self) => self.delete(at(self))],
  ])("%s", async (_, attempt) => {
    const self = await newAdmin();
    const { status, body } = await attempt(self);
    expect([status, body.code]).toEqual([409, "OWN_ACCOUNT"]);
    expectStatus(await self.get("/api/admin/users"), "still there", 200);
  });

  it("but one's own name is one's own", async () => {
    const self = await newAdmin();
    const { status, body } = await self.put(at(self), { name: "Me", role: "admin", denied: [] });
    expect([status, body.name, body.role]).toEqual([200, "Me", "admin"]);
  });
});

describe("a suspension", () => {
  it.each(["post", "put"] as const)(
    "by %s shuts out session, refresh, login and token at once",
    async (method) => {
      const user = await newUser();
      const made = await user.post("/api/tokens", { name: "t", scopes: ["*"] });
      const program = new Client(inject("url"), { "x-api-token": made.body.token });
      const run = await newRun(user);
      const report = (client: Client) =>
        client.post(`/api/training/runs/${run}/metrics`, { epoch: 0, step: 1 });
      for (const client of [user, program]) expectStatus(await report(client), "before", 201);
      const { body } = await chief[method](`${at(user)}/suspend`, { reason: "for a reason" });
      expect(body).toMatchObject({ status: "suspended", suspended_reason: "for a reason" });
      for (const client of [user, program])
        for (const answer of [await report(client), await client.get("/api/auth/me")])
          expectStatus(answer, "suspended", 401);
      expectStatus(
        await nobody.post("/api/auth/refresh", { refresh_token: user.refreshToken }),
        "refresh",
        401,
      );
      const login = await nobody.post("/api/auth/login", { email: user.email, password: user.password });
      expect(login.body.code).toBe("ACCOUNT_SUSPENDED");
      expect((await chief[method](`${at(user)}/activate`)).body).toMatchObject({
        status: "active",
        suspended_at: null,
      });
      expectStatus(await program.get("/api/auth/me"), "its token again", 200);
      expectStatus(await user.get("/api/auth/me"), "the session stays ended", 401);
      await signIn(user.email, user.password);
    },
  );
});

describe("approval and links", () => {
  it("an approval lets in, welcomes once, and is an administrator's", async () => {
    const user = await newUser();
    await query("update users set approved_at = null where id = $1", [user.id]);
    expect((await chief.get(at(user))).body.status).toBe("pending");
    expectStatus(await user.post(`${at(user)}/approve`), "by oneself", 403);
    for (const _ of [1, 2])
      expect((await chief.post(`${at(user)}/approve`)).body).toMatchObject({
        status: "active",
        approved: true,
      });
    await mailTo(user.email, "welcome");
    expect(
      await query("select 1 from mails where recipient = $1 and kind = 'welcome'", [user.email]),
    ).toHaveLength(1);
  });

  it("a reset mails a link for half an hour, ends those before it, and nothing else", async () => {
    const user = await newUser();
    for (const _ of [1, 2]) expectStatus(await chief.post(`${at(user)}/reset-password`), "reset", 200);
    const links = () =>
      query(
        `select used_at, extract(epoch from expires_at - created_at)::int ttl from one_time_tokens
         where user_id = $1 and purpose = 'reset-password' order by used_at nulls last`,
        [user.id],
      );
    const rows = await until(links, (found) => found.length === 2);
    expect(rows.map(({ ttl }) => ttl)).toEqual([1_800, 1_800]);
    expectStatus(await user.get("/api/auth/me"), "the session goes on", 200);
    await signIn(user.email, user.password);
  });
});

describe("a deletion", () => {
  it("takes the account with its sessions and tokens, at once", async () => {
    const user = await newUser();
    const made = await user.post("/api/tokens", { name: "t", scopes: ["*"] });
    const program = new Client(inject("url"), { "x-api-token": made.body.token });
    expectStatus(await chief.delete(at(user)), "delete", 204);
    for (const client of [user, program]) expectStatus(await client.get("/api/auth/me"), "gone", 401);
    expectStatus(
      await nobody.post("/api/auth/refresh", { refresh_token: user.refreshToken }),
      "refresh",
      401,
    );
    expectStatus(await chief.get(at(user)), "get", 404);
    expectStatus(await chief.delete(at(user)), "again", 404);
  });

  it("is refused while the account owns things, and says which", async () => {
    const user = await newUser();
    await holdingsOf(user);
    const { status, body } = await chief.delete(at(user));
    expect([status, body.code]).toEqual([409, "ACCOUNT_OWNS_THINGS"]);
    expect(body.details).toEqual({ datasets: 1, models: 1, runs: 1, endpoints: 1, agents: 1, notebooks: 1 });
    expectStatus(await user.get("/api/auth/me"), "it lives on", 200);
  });

  it("gives everything to whom it says, in working order", async () => {
    const [user, heir] = [await newUser(), await newUser()];
    const { ids } = await holdingsOf(user);
    const report = { epoch: 0, step: 1, loss: 1 };
    expectStatus(await user.post(`/api/training/runs/${ids.run}/metrics`, report), "before", 201);
    expectStatus(await chief.delete(`${at(user)}?transfer_to=${heir.id}`), "delete", 204);
    const addresses = [
      ...[`datasets/${ids.dataset}`, `datasets/${ids.dataset}/download`, `training/runs/${ids.run}`],
      ...[`models/${ids.model}/versions/1`, `models/${ids.model}/versions/1/download`, `agents/${ids.agent}`],
      ...[`inference/endpoints/${ids.endpoint}`],
    ];
    for (const address of addresses) expectStatus(await heir.get(`/api/${address}`), address, 200);
    await until(
      () => heir.post(`/api/training/runs/${ids.run}/metrics`, report),
      ({ status }) => status === 201,
    );
    const issued = await heir.post(`/api/agents/${ids.agent}/ic-token`);
    const machine = new Client(inject("url"), { "x-ic-token": issued.body.ic_token });
    expectStatus(await machine.post("/api/training/leases", CLAIM), "the agent", 200);
    const keys =
      "select blob_key from datasets where owner_id = $1 union select blob_key from model_versions v join models m on m.id = v.model_id where m.owner_id = $1";
    expect(await query(`select 1 from orphan_blobs where key in (${keys})`, [heir.id])).toEqual([]);
  });

  it("leaves whoever is gone no agent's token to reach the heir's things by", async () => {
    const [user, heir] = [await newUser(), await newUser()];
    const { ids, agentToken } = await holdingsOf(user);
    const machine = new Client(inject("url"), { "x-ic-token": agentToken });
    const report = () => machine.post(`/api/training/runs/${ids.run}/metrics`, { epoch: 0, step: 1 });
    expectStatus(await machine.post("/api/training/leases", CLAIM), "before", 200);
    expect((await report()).status).not.toBe(401);
    expectStatus(await chief.delete(`${at(user)}?transfer_to=${heir.id}`), "delete", 204);
    expectStatus(await machine.post("/api/training/leases", CLAIM), "leases", 401);
    expectStatus(await report(), "metrics", 401);
    const { body } = await heir.get(`/api/agents/${ids.agent}/ic-token`);
    expect(body).toMatchObject({ has_ic_token: false, created_at: null });
  });

  it("moves nothing when names conflict, nor to nobody, nor to the account itself", async () => {
    const [user, heir] = [await newUser(), await newUser()];
    const { ids } = await holdingsOf(user);
    await heir.post("/api/models", { name: "m", model_type: "x" });
    const conflict = await chief.delete(`${at(user)}?transfer_to=${heir.id}`);
    expect([conflict.status, conflict.body.code]).toEqual([409, "TRANSFER_CONFLICT"]);
    for (const to of [randomUUID(), user.id, "nobody"])
      expectStatus(await chief.delete(`${at(user)}?transfer_to=${to}`), to, 422);
    expectStatus(await user.get(`/api/datasets/${ids.dataset}`), "still theirs", 200);
    expectStatus(await heir.get(`/api/datasets/${ids.dataset}`), "not the heir's", 404);
  });

  it("loses nothing that is made meanwhile", async () => {
    const user = await newUser();
    const make = () => user.post("/api/models", { name: randomUUID(), model_type: "x" });
    const [deletion, ...made] = await Promise.all([
      chief.delete(at(user)),
      ...Array.from({ length: 8 }, make),
    ]);
    const kept = await query("select 1 from models where owner_id = $1", [user.id]);
    expect(kept).toHaveLength(
      deletion.status === 204 ? 0 : made.filter(({ status }) => status === 201).length,
    );
    if (deletion.status === 204) expect(made.some(({ status }) => status === 201)).toBe(false);
  });

  it("knows every table of things with an owner", () => {
    const owned = Object.values<unknown>(schema).flatMap((table) =>
      is(table, PgTable) && "ownerId" in getTableColumns(table) ? getTableName(table) : [],
    );
    // An upload under way is handed to nobody: it ends with whoever sends it.
    expect(owned.filter((name) => name !== "model_uploads").toSorted()).toEqual([
      ...["agents", "datasets", "endpoints", "models", "notebooks", "runs"],
    ]);
  });
});

it("what administrators did is in the trail", async () => {
  const user = await created();
  await chief.put(at(user), { role: "viewer" });
  await chief.post(`${at(user)}/suspend`, { reason: "a\ud800b" });
  await chief.post(`${at(user)}/activate`);
  await chief.post(`${at(user)}/reset-password`);
  await chief.delete(at(user));
  const { status, body } = await chief.get(`/api/admin/audit?target_id=${user.id}&action=user.*`);
  expect(status).toBe(200);
  expect(body.map(({ action }: any) => action)).toEqual([
    ...["user.deleted", "user.password_link_mailed", "user.activated", "user.suspended"],
    ...["user.updated", "user.created"],
  ]);
  const updated = body.find(({ action }: any) => action === "user.updated");
  expect(updated).toMatchObject({
    actor: { id: chief.id },
    details: { role: { from: "user", to: "viewer" } },
  });
});

it("the totals are those of the database", async () => {
  await newRun(await newViewer().then(() => newUser()));
  const { status, body } = await chief.get("/api/admin/stats");
  expect(status).toBe(200);
  for (const [name, value] of Object.entries(body)) expect([name, typeof value]).toEqual([name, "number"]);
  expect(body.runs_running).toBeGreaterThan(0);
  expect(body.users_total).toBeGreaterThan(body.users_suspended + body.users_pending);
});

const LIMITLESS = { LOG_LEVEL: "warn", RATE_LIMIT_LOGIN: "100000", RATE_LIMIT_REGISTER: "100000" };

describe("the last administrator stays", () => {
  const folder = mkdtempSync(join(tmpdir(), "myelin-admins-"));
  let platform: Platform;
  const ask = (sql: string, parameters: unknown[] = []) => query(sql, parameters, platform.databaseUrl);
  const FULL = "role = 'admin' and custom_role is null and suspended_at is null and denied = '[]'";

  beforeAll(async () => {
    platform = await startOwnPlatform({ dataDir: folder, env: LIMITLESS });
    await ask("insert into roles (name, base, permissions) values ('deputy', 'admin', $1)", [
      JSON.stringify(PERMISSION_NAMES),
    ]);
  });
  afterAll(async () => {
    await platform?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** So many administrators, and nobody else of the kind. */
  async function rule(count: number): Promise<User[]> {
    await ask("update users set role = 'user', suspended_at = null, denied = '[]'");
    const admins = await Promise.all(Array.from({ length: count }, () => newUser(platform.url)));
    for (const { id } of admins) await ask("update users set role = 'admin' where id = $1", [id]);
    return admins;
  }

  const WAYS: [string, (by: User, whom: User) => Promise<Answer>][] = [
    ["demotes", (by, whom) => by.put(at(whom), { role: "user" })],
    ["suspends", (by, whom) => by.post(`${at(whom)}/suspend`, {})],
    ["denies", (by, whom) => by.put(at(whom), { denied: ["audit:read"] })],
    ["deletes", (by, whom) => by.delete(at(whom))],
  ];

  it.each(WAYS)("when each of two %s the other at once", async (_, way) => {
    for (let round = 0; round < 5; round++) {
      const [one, other] = (await rule(2)) as [User, User];
      const answers = await Promise.all([way(one, other), way(other, one), way(one, other), way(other, one)]);
      for (const answer of answers) expectStatus(answer, "one of four", 200, 204, 401, 403, 404, 409);
      const left = await ask(`select id from users where ${FULL}`);
      expect(left).toHaveLength(1);
    }
  });

  it("when ten do all of it to each other in a circle", async () => {
    const admins = await rule(10);
    const work = admins.flatMap((by, i) =>
      WAYS.map(([, way], j) => way(by, admins[(i + 1 + j) % admins.length]!)),
    );
    for (const answer of await Promise.all(work))
      expectStatus(answer, "one of forty", 200, 204, 401, 403, 404, 409);
    expect((await ask(`select id from users where ${FULL}`)).length).toBeGreaterThan(0);
  });

  it.each(WAYS)("when an administrator of a custom role %s it", async (_, way) => {
    const [last, deputy] = (await rule(2)) as [User, User];
    await ask("update users set custom_role = 'deputy' where id = $1", [deputy.id]);
    const { status, body } = await way(deputy, last);
    expect([status, body.code]).toEqual([409, "LAST_ADMIN"]);
    expectStatus(await last.get("/api/admin/users"), "it rules on", 200);
  });

  it("and moves nothing of the last one's when it is not deleted", async () => {
    const [last, deputy] = (await rule(2)) as [User, User];
    await ask("update users set custom_role = 'deputy' where id = $1", [deputy.id]);
    const { body } = await last.post("/api/models", { name: "m", model_type: "x" });
    const refused = await deputy.delete(`${at(last)}?transfer_to=${deputy.id}`);
    expect([refused.status, refused.body.code]).toEqual([409, "LAST_ADMIN"]);
    const [row] = await ask("select owner_id from models where id = $1", [body.id]);
    expect(row.owner_id).toBe(last.id);
  });
});
