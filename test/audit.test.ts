import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { type Platform, startPlatform } from "../local/platform.ts";
import {
  type Answer,
  anonymous,
  newRun,
  newUser,
  newViewer,
  query,
  signIn,
  type User,
} from "./support/client.ts";
import { expectStatus } from "./support/refusal.ts";

const folder = mkdtempSync(join(tmpdir(), "myelin-audit-"));
/** A platform of its own, since its trail is broken on purpose. */
let own: Platform;
let keeper: User;
/** On the one everybody uses. */
let admin: User;
beforeAll(async () => {
  admin = await signIn("admin@myelin.local", inject("adminPassword"));
  own = await startPlatform({ dataDir: folder, port: 0, agent: false, env: { LOG_LEVEL: "warn" } });
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
