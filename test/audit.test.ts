import { randomInt, randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { Platform } from "../local/platform.ts";
import {
  type Answer,
  anonymous,
  Client,
  newRun,
  newUser,
  newViewer,
  query,
  signIn,
  until,
  type User,
} from "./support/client.ts";
import { startOwnPlatform } from "./support/own-platform.ts";
import { expectStatus } from "./support/refusal.ts";
import { forge } from "./support/tokens.ts";

const folder = mkdtempSync(join(tmpdir(), "myelin-audit-"));
/** A platform of its own, since its trail is broken on purpose. */
let own: Platform;
let keeper: User;
/** On the one everybody uses. */
let admin: User;
/** On the one that takes a proxy's word for where a request comes from: every test has an address of its own there. */
let guardian: User;
const guarded = inject("guarded");
beforeAll(async () => {
  guardian = await signIn("admin@myelin.local", guarded.adminPassword, guarded.url);
  admin = await signIn("admin@myelin.local", inject("adminPassword"));
  own = await startOwnPlatform({ dataDir: folder, env: { LOG_LEVEL: "warn" } });
  keeper = await signIn("admin@myelin.local", own.adminPassword(), own.url);
});
afterAll(async () => {
  await own?.stop();
  rmSync(folder, { recursive: true, force: true });
});
/** As the role the application has. */
const sql = <T = any>(text: string, parameters: unknown[] = []) =>
  query<T>(text, parameters, own.databaseUrl);
/** As somebody with the whole database server in his hands. */
const asSuperuser = <T = any>(text: string, parameters: unknown[] = []) => {
  const superuser = new URL(own.databaseUrl);
  superuser.username = "postgres";
  superuser.password = readFileSync(join(folder, "postgres-superuser.txt"), "utf8").trim();
  return query<T>(text, parameters, superuser.href);
};

const events = async (search: string, reader = admin) =>
  (await reader.get<any[]>(`/api/admin/audit?${search}`)).body;

describe("the audit trail", () => {
  it("tells who did what to what, from where, and how it ended", async () => {
    const user = await newUser();
    const model = (await user.post("/api/models", { name: `m-${randomUUID()}`, model_type: "mlp" })).body;
    expectStatus(await user.delete(`/api/models/${model.id}`), "delete", 204);
    const [removed, made, opened] = await events(`actor_id=${user.id}`);
    expect(removed).toMatchObject({
      action: "DELETE /api/models/:id",
      actor: { kind: "user", id: user.id, name: user.email },
      target: { type: "path", id: model.id },
      outcome: "ok",
      ip: expect.toSatisfy((ip) => ip === null || typeof ip === "string"),
      request_id: expect.any(String),
      details: { status: 204 },
    });
    expect(made.action).toBe("POST /api/models");
    expect(opened).toMatchObject({ action: "session.opened", details: { methods: ["password"] } });
  });

  it("tells of refusals: a wrong password, and a permission that is lacking", async () => {
    const viewer = await newViewer();
    expectStatus(await viewer.post("/api/models", { name: "x", model_type: "mlp" }), "create", 403);
    const [refused] = await events(`actor_id=${viewer.id}&outcome=refused`);
    expect(refused).toMatchObject({
      action: "POST /api/models",
      outcome: "refused",
      details: { status: 403 },
    });
    await anonymous().post("/api/auth/login", { email: viewer.email, password: "wrong" });
    const [wrong] = await events(`target_id=${viewer.id}&action=account.*`);
    expect(wrong).toMatchObject({
      action: "account.login_refused",
      actor: { kind: "anonymous", id: null },
      details: { reason: "INVALID_CREDENTIALS" },
    });
    expect(JSON.stringify(await events(`target_id=${viewer.id}`))).not.toContain("wrong password");
  });

  const NOWHERE = "not-a-token-of-anybody-at-all";
  const bearer = (value: string) => ({ headers: { authorization: `Bearer ${value}` } });
  /** What the trail tells of the very request that was answered so. */
  const toldOf = async ({ headers }: Answer, reader = admin) => {
    const id = headers.get("x-request-id");
    const find = async () =>
      (await events("limit=200", reader)).filter(({ request_id }) => request_id === id);
    return until(find, (found) => found.length > 0, { withinMs: 3_000 });
  };

  it.each<[string, (nobody: Client) => Promise<Answer>, string, string]>([
    [
      "a refresh with garbage",
      (nobody) => nobody.post("/api/auth/refresh", { refresh_token: NOWHERE }),
      "POST /api/auth/refresh",
      "TOKEN_INVALID",
    ],
    [
      "a refresh with an access token",
      (nobody) => nobody.post("/api/auth/refresh", { refresh_token: guardian.accessToken }),
      "POST /api/auth/refresh",
      "TOKEN_INVALID",
    ],
    [
      "a guessed link for a new password",
      (nobody) => nobody.post("/api/auth/password/reset", { token: NOWHERE, password: NOWHERE }),
      "POST /api/auth/password/reset",
      "LINK_INVALID",
    ],
    [
      "a guessed link that verifies an address",
      (nobody) => nobody.get(`/api/auth/verify-email?token=${NOWHERE}`),
      "GET /api/auth/verify-email",
      "LINK_INVALID",
    ],
    [
      "a guessed link for a new address",
      (nobody) => nobody.get(`/api/auth/email/confirm?token=${NOWHERE}`),
      "GET /api/auth/email/confirm",
      "LINK_INVALID",
    ],
    [
      "an administrator's try at a link that lets nobody in",
      () => guardian.post("/api/auth/approve-user", { token: NOWHERE }),
      "POST /api/auth/approve-user",
      "LINK_INVALID",
    ],
    [
      "a forged access token",
      async (nobody) => nobody.get("/api/models", bearer(await forge(guardian, { secret: "x".repeat(32) }))),
      "GET /api/models",
      "TOKEN_INVALID",
    ],
    [
      "an unknown API token",
      (nobody) => nobody.get("/api/models", { headers: { "x-api-token": `at_${randomUUID()}` } }),
      "GET /api/models",
      "TOKEN_INVALID",
    ],
    [
      "an unknown agent",
      (nobody) =>
        nobody.post("/api/training/leases", {}, { headers: { "x-ic-token": `ic_${randomUUID()}` } }),
      "POST /api/training/leases",
      "TOKEN_INVALID",
    ],
  ])("tells of %s, and not what was shown", async (_, attack, action, code) => {
    const answer = await attack(anonymous(guarded.url).from(`198.51.100.${randomInt(1, 255)}`));
    const [refused, ...others] = await toldOf(answer, guardian);
    expect(refused).toMatchObject({ action, outcome: "refused", details: { status: 401, code } });
    expect(others).toEqual([]);
    const told = JSON.stringify(refused);
    for (const secret of [NOWHERE, guardian.accessToken, "at_", "ic_"]) expect(told).not.toContain(secret);
  });

  it("tells of account locks", async () => {
    const email = `${randomUUID()}@example.com`;
    const guess = () => anonymous().post("/api/auth/login", { email, password: "wrong" });
    const answers = [];
    for (let i = 0; i < 11; i++) answers.push(await guess());
    const told = await toldOf(answers.at(-1)!);
    expect(told).toContainEqual(
      expect.objectContaining({
        action: "account.login_refused",
        outcome: "refused",
        details: { reason: "TOO_MANY_ATTEMPTS" },
      }),
    );
  });

  it("does not tell of who looks in without having signed in, or too late", async () => {
    const expired = await forge(admin, { change: (token) => token.setExpirationTime("-1 minute") });
    const nobody = anonymous();
    const calls = [nobody.get("/api/auth/me"), nobody.get("/api/auth/me", bearer(expired))];
    const ids = (await Promise.all(calls)).map(({ headers }) => headers.get("x-request-id"));
    await toldOf(await nobody.post("/api/auth/refresh", { refresh_token: NOWHERE }));
    const told = (await events("limit=200")).map(({ request_id }) => request_id);
    expect(ids.filter((id) => told.includes(id))).toEqual([]);
  });

  it("is not flooded by one address that is refused the same thing over and over", async () => {
    const nobody = anonymous(own.url);
    for (let i = 0; i < 3; i++)
      await Promise.all(Array.from({ length: 40 }, () => nobody.get("/api/tokens", bearer(NOWHERE))));
    const told = await events("action=GET%20/api/tokens&limit=200", keeper);
    expect(told.length).toBeGreaterThanOrEqual(60);
    expect(told.length).toBeLessThan(120);
  });

  it("tells of a model that an agent stores, and of tickets for streams", async () => {
    const user = await newUser();
    const { id, token } = (await user.post("/api/agents", { name: "a" })).body;
    const agent = new Client(user.url, { "x-ic-token": token });
    const run = await newRun(user);
    expectStatus(await user.post(`/api/training/runs/${run}/stream-ticket`), "ticket", 201);
    await query(
      "update runs set executor = 'agent', agent_id = $1, lease_expires_at = now() + interval '1 minute' where id = $2",
      [id, run],
    );
    const stored = await agent.put(`/api/training/leases/${run}/model`, new Uint8Array([1, 2, 3]), {
      headers: { "content-type": "application/octet-stream" },
    });
    expectStatus(stored, "model", 201);
    expect(await toldOf(stored)).toMatchObject([
      { action: "PUT /api/training/leases/:id/model", actor: { kind: "agent", id } },
    ]);
    const actions = (await events(`actor_id=${user.id}`)).map(({ action }) => action);
    expect(actions).toContain("POST /api/training/runs/:id/stream-ticket");
  });

  it("is not drowned by streams of data", async () => {
    const user = await newUser();
    const run = await newRun(user);
    for (let step = 0; step < 3; step++)
      expectStatus(await user.post(`/api/training/runs/${run}/metrics`, { epoch: 0, step }), "metrics", 201);
    const told = (await events(`actor_id=${user.id}`)).map(({ action }) => action);
    expect(told).toEqual(["POST /api/training/runs", "session.opened"]);
  });

  it("is read by administrators only, and pages without gaps", async () => {
    const user = await newUser();
    for (const path of ["/api/admin/audit", "/api/admin/audit/verify"])
      expectStatus(await user.get(path), path, 403);
    const seen: number[] = [];
    for (let next: string | undefined = "/api/admin/audit?limit=7"; next && seen.length < 30;) {
      const page: Answer<any[]> = await admin.get(next);
      seen.push(...page.body.map(({ seq }) => seq));
      next = /<([^>]+)>; rel="next"/.exec(page.headers.get("link") ?? "")?.[1];
    }
    expect(seen).toEqual(seen.map((_, i) => seen[0]! - i));
  });

  it("keeps its order and loses nothing when 40 things happen at once", async () => {
    const user = await newUser();
    const names = Array.from({ length: 40 }, () => `m-${randomUUID()}`);
    await Promise.all(names.map((name) => user.post("/api/models", { name, model_type: "mlp" })));
    const told = await events(`actor_id=${user.id}&action=POST%20/api/models&limit=100`);
    expect(told).toHaveLength(40);
    const verdict = (await admin.get("/api/admin/audit/verify")).body;
    expect(verdict).toMatchObject({ valid: true, flaw: null, first_seq: 1 });
    expect(verdict.checked).toBe(verdict.last_seq);
  });

  it.each(["since=yesterday", "limit=0", "limit=1001", "outcome=maybe", "before=0", "actor_id=1"])(
    "refuses to be asked for %s",
    async (search) => expectStatus(await admin.get(`/api/admin/audit?${search}`), search, 422),
  );
});

describe("the audit trail's table", () => {
  it.each([
    ["changed", "update audit_events set action = 'nothing.happened' where seq = 1"],
    ["thinned out", "delete from audit_events where seq = 1"],
    ["emptied", "truncate audit_events"],
    ["robbed of its guard", "alter table audit_events disable trigger user"],
    ["taken over", "alter table audit_events owner to myelin"],
  ])("cannot be %s by the role the application has", async (_, statement) => {
    await keeper.get("/api/admin/audit");
    await expect(sql(statement)).rejects.toThrow(/only grows|permission denied|must be owner/);
  });
});

describe("whoever gets at the table all the same", () => {
  const verify = async () => (await keeper.get("/api/admin/audit/verify")).body;
  const unguarded = async (statement: string, parameters: unknown[] = []) => {
    await asSuperuser("alter table audit_events disable trigger user");
    try {
      return await asSuperuser(statement, parameters);
    } finally {
      await asSuperuser("alter table audit_events enable trigger user");
    }
  };
  const eventAt = async (seq: number) => (await sql("select * from audit_events where seq = $1", [seq]))[0];
  const restore = async (row: Record<string, unknown>) => {
    const names = Object.keys(row);
    await unguarded(`delete from audit_events where seq = ${Number(row["seq"])}`);
    await sql(
      `insert into audit_events (${names.join(",")}) values (${names.map((_, i) => `$${i + 1}`).join(",")})`,
      names.map((name) => (name === "details" ? JSON.stringify(row[name]) : row[name])),
    );
  };

  it("is found out for changing, removing, cutting off or moving an event", async () => {
    for (let i = 0; i < 4; i++) await keeper.put("/api/auth/me", { name: `Keeper ${i}` });
    const { valid, last_seq: end } = await verify();
    expect(valid).toBe(true);
    const middle = Math.ceil(end / 2);
    const [row, last] = [await eventAt(middle), await eventAt(end)];
    for (const column of ["action", "actor_name", "ip", "request_id"]) {
      await unguarded(`update audit_events set ${column} = 'x' where seq = $1`, [middle]);
      expect(await verify()).toMatchObject({ valid: false, flaw: { seq: middle, kind: "changed" } });
      await restore(row);
    }
    await unguarded("delete from audit_events where seq = $1", [middle]);
    expect(await verify()).toMatchObject({ valid: false, flaw: { seq: middle, kind: "missing" } });
    await restore(row);
    await unguarded("delete from audit_events where seq >= $1", [end]);
    expect(await verify()).toMatchObject({ valid: false, flaw: { seq: end, kind: "cut_off" } });
    await restore(last);
    expect((await verify()).valid).toBe(true);
  });
});

describe("pruning", () => {
  it("removes what is too old by the clock, says so first, and the rest still holds together", async () => {
    const old = 3;
    await asSuperuser("alter table audit_events disable trigger user");
    await asSuperuser("update audit_events set at = now() - interval '400 days' where seq <= $1", [old]);
    await asSuperuser("alter table audit_events enable trigger user");
    await own.runScheduled();
    expect(await sql("select seq from audit_events where seq <= $1", [old])).toEqual([]);
    const [pruned] = await events("action=audit.pruned", keeper);
    expect(pruned).toMatchObject({ actor: { kind: "system" }, details: { through_seq: old } });
    const verdict = (await keeper.get("/api/admin/audit/verify")).body;
    expect(verdict).toMatchObject({ valid: true, first_seq: old + 1 });
    await own.runScheduled();
    expect((await events("action=audit.pruned", keeper)).length).toBe(1);
  });
});
