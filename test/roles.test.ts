import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, inject, it } from "vitest";
import {
  admin,
  anonymous,
  Client,
  newAdmin,
  newUser,
  newViewer,
  query,
  signIn,
  until,
  type User,
} from "./support/client.ts";
import { expectStatus } from "./support/refusal.ts";

const newName = () => `r-${randomUUID().slice(0, 8)}`;

let chief: User;
beforeAll(async () => {
  chief = await admin();
});

/** Makes a role and returns its name. */
async function newRole(fields: Record<string, unknown>): Promise<string> {
  const name = newName();
  const answer = await chief.post("/api/admin/roles", { name, base: "user", permissions: [], ...fields });
  expectStatus(answer, "role", 201);
  return name;
}

/** Somebody with a role. */
async function newMember(role: string): Promise<User> {
  const user = await newUser();
  expectStatus(await chief.put(`/api/admin/users/${user.id}`, { custom_role: role }), "assign", 200);
  return signIn(user.email, user.password);
}

describe("the table", () => {
  it("says what each permission is for and who has it", async () => {
    const viewer = await newViewer();
    const { body } = await viewer.get("/api/auth/permissions");
    const by = new Map(body.permissions.map((one: any) => [one.name, one]));
    expect(by.get("runs:write")).toMatchObject({ roles: ["admin", "user"] });
    expect(by.get("users:write")).toMatchObject({ roles: ["admin"] });
    expect(by.get("models:read")).toMatchObject({ roles: ["admin", "user", "viewer"] });
    for (const { description } of body.permissions) expect(description).toMatch(/^[A-Z].+\.$/);
    expect(body.role).toEqual({ name: "viewer", base: "viewer" });
    expect(body.effective).toContain("models:read");
    expect(body.effective).not.toContain("models:write");
  });

  it("tells a token what is left within its scopes", async () => {
    const user = await newUser();
    const { body } = await user.post("/api/tokens", { name: "t", scopes: ["account:self", "runs:read"] });
    const program = new Client(inject("url"), { "x-api-token": body.token });
    expect((await program.get("/api/auth/permissions")).body.effective).toEqual([
      "account:self",
      "runs:read",
    ]);
  });
});

describe("a custom role", () => {
  it("stands in for the base role and grants what it says, at once", async () => {
    const role = await newRole({ permissions: ["account:self", "models:read"] });
    const user = await newMember(role);
    const me = (await user.get("/api/auth/me")).body;
    expect(me).toMatchObject({ role: "user", custom_role: role });
    expectStatus(await user.get("/api/models"), "granted", 200);
    const refused = await user.get("/api/datasets");
    expectStatus(refused, "not granted", 403);
    expect(refused.body.error).toContain(role);
    expectStatus(
      await chief.put(`/api/admin/roles/${role}`, { permissions: ["datasets:read"] }),
      "change",
      200,
    );
    expectStatus(await user.get("/api/datasets"), "granted now", 200);
    expectStatus(await user.get("/api/models"), "taken away", 403);
  });

  it("denies whatever else grants, and a denial to the account beats it", async () => {
    const role = await newRole({ permissions: ["models:read", "datasets:read"], denied: ["models:read"] });
    const user = await newMember(role);
    expectStatus(await user.get("/api/models"), "denied by the role", 403);
    await chief.put(`/api/admin/users/${user.id}`, { denied: ["datasets:read"] });
    expectStatus(await user.get("/api/datasets"), "denied to the account", 403);
    await chief.put(`/api/admin/users/${user.id}`, { denied: [] });
    expectStatus(await user.get("/api/datasets"), "no more", 200);
  });

  it.each([
    ["unknown permission", { permissions: ["models:burn"] }],
    ["permission for everything", { permissions: ["*"] }],
    ["admin's permission on the base user", { permissions: ["users:read"] }],
    ["unknown base", { base: "root" }],
    ["built-in name", { name: "admin" }],
    ["name with capitals", { name: "Admin" }],
    ["name of one letter", { name: "a" }],
    ["name upwards", { name: "../admin" }],
    ["name too long", { name: "a".repeat(41) }],
  ])("is not made with an %s", async (_, fields) => {
    const body = { name: newName(), base: "user", permissions: [], ...fields };
    expectStatus(await chief.post("/api/admin/roles", body), "create", 422);
  });

  it("gets no admin's permission by a change either", async () => {
    const role = await newRole({});
    const put = await chief.put(`/api/admin/roles/${role}`, { permissions: ["users:write"], base: "admin" });
    expectStatus(put, "widen", 422);
  });

  it("has its name once", async () => {
    const role = await newRole({});
    const body = { name: role, base: "user", permissions: [] };
    const answers = await Promise.all(Array.from({ length: 5 }, () => chief.post("/api/admin/roles", body)));
    for (const answer of answers) expectStatus(answer, "again", 409);
  });

  it("is not deleted while somebody has it", async () => {
    const role = await newRole({});
    const user = await newMember(role);
    expect((await chief.delete(`/api/admin/roles/${role}`)).body.code).toBe("ROLE_IN_USE");
    await chief.put(`/api/admin/users/${user.id}`, { custom_role: null });
    expectStatus(await chief.delete(`/api/admin/roles/${role}`), "free", 204);
    expectStatus(await chief.get(`/api/admin/roles/${role}`), "gone", 404);
    expectStatus(await chief.put(`/api/admin/users/${user.id}`, { custom_role: role }), "assign", 422);
  });

  it("built in, is listed and stays as it is", async () => {
    const names = (await chief.get("/api/admin/roles")).body.map(({ name }: any) => name);
    expect(names.slice(0, 3)).toEqual(["admin", "user", "viewer"]);
    expect((await chief.get("/api/admin/roles/viewer")).body).toMatchObject({
      built_in: true,
      base: "viewer",
    });
    for (const answer of [
      await chief.put("/api/admin/roles/viewer", { permissions: ["runs:write"] }),
      await chief.delete("/api/admin/roles/viewer"),
    ])
      expect([answer.status, answer.body.code]).toEqual([409, "ROLE_BUILT_IN"]);
  });
});

describe("an administrator of few permissions is no way to more", () => {
  let deputy: User;
  const MAY = ["account:self", "users:read", "users:write", "roles:write", "models:read"];
  beforeAll(async () => {
    deputy = await newMember(await newRole({ base: "admin", permissions: MAY }));
  });

  it("makes no role with more, and raises none", async () => {
    const body = { name: newName(), base: "admin", permissions: ["audit:read"] };
    expect((await deputy.post("/api/admin/roles", body)).body.code).toBe("PERMISSIONS_BEYOND_YOURS");
    const role = await newRole({ base: "admin", permissions: ["audit:read"], denied: ["audit:read"] });
    for (const change of [{ permissions: ["mail:read"] }, { denied: [] }]) {
      const { status, body: refusal } = await deputy.put(`/api/admin/roles/${role}`, change);
      expect([status, refusal.code]).toEqual([403, "PERMISSIONS_BEYOND_YOURS"]);
    }
  });

  it("makes nobody an administrator, itself least of all", async () => {
    const body = { email: `${randomUUID()}@example.com`, name: "X", role: "admin" };
    expect((await deputy.post("/api/admin/users", body)).body.code).toBe("ACCOUNT_OUTRANKS_YOU");
    const own = await deputy.put(`/api/admin/users/${deputy.id}`, { role: "admin" });
    expectStatus(own, "itself", 403, 409);
  });

  it("lays no hand on an account that may more: no new address, no link, no suspension", async () => {
    const user = await newUser();
    const path = `/api/admin/users/${user.id}`;
    const attempts = [
      deputy.put(path, { email: `${randomUUID()}@example.com` }),
      deputy.put(path, { denied: ["runs:write"] }),
      deputy.post(`${path}/reset-password`),
      deputy.post(`${path}/suspend`, {}),
      deputy.delete(path),
    ];
    for (const { status, body } of await Promise.all(attempts))
      expect([status, body.code]).toEqual([403, "ACCOUNT_OUTRANKS_YOU"]);
  });

  it("reads no link mailed to anybody, who may more or not, but sees that there was mail", async () => {
    const reader = await newMember(
      await newRole({ base: "admin", permissions: ["account:self", "mail:read"] }),
    );
    const denied = await newAdmin();
    await chief.put(`/api/admin/users/${denied.id}`, { denied: ["agents:share"] });
    const boss = await newAdmin();
    expectStatus(await anonymous().post("/api/auth/password/forgot", { email: boss.email }), "ask", 200, 202);
    const mailsTo = async (by: User) =>
      (await by.get("/api/admin/mail?limit=200")).body.filter(
        (mail: any) => mail.to === boss.email && mail.kind === "reset-password",
      );
    const [whole] = await until(
      () => mailsTo(chief),
      ({ length }) => length > 0,
    );
    expect(whole.text).toMatch(/reset-password\?token=/);
    for (const by of [reader, denied]) {
      const all = await by.get("/api/admin/mail?limit=200");
      expect(JSON.stringify(all.body)).not.toContain("token=");
      expect(await mailsTo(by)).toEqual([{ ...whole, subject: null, text: null }]);
    }
  });

  it("ends no session of an administrator who may more, but anybody else's and its own", async () => {
    const role = await newRole({ base: "admin", permissions: ["account:self", "sessions:admin"] });
    const keeper = await newMember(role);
    const [boss, user] = [await newAdmin(), await newUser()];
    const sessionOf = async (one: User) => (await one.get("/api/auth/sessions")).body[0].id as string;
    const ends = async (whom: User) => [
      await keeper.delete(`/api/auth/sessions/${await sessionOf(whom)}`),
      await keeper.delete(`/api/admin/users/${whom.id}/sessions`),
    ];
    for (const { status, body } of await ends(boss))
      expect([status, body.code]).toEqual([403, "ACCOUNT_OUTRANKS_YOU"]);
    expectStatus(await boss.get("/api/auth/me"), "the administrator's goes on", 200);
    expect((await ends(user)).map(({ status }) => status)).toEqual([204, 200]);
    expectStatus(await user.get("/api/auth/me"), "the user's has ended", 401);
    expectStatus(await keeper.delete(`/api/auth/sessions/${await sessionOf(keeper)}`), "its own", 204);
  });

  it("has no link to a new password mailed to an administrator", async () => {
    const boss = await newAdmin();
    const { status, body } = await deputy.post(`/api/admin/users/${boss.id}/reset-password`);
    expect([status, body.code]).toEqual([403, "ACCOUNT_OUTRANKS_YOU"]);
    expect(
      await query("select 1 from mails where recipient = $1 and kind = 'reset-password'", [boss.email]),
    ).toEqual([]);
  });

  it("raises no account beyond itself by lifting a denial", async () => {
    const role = await newRole({ permissions: ["models:read", "runs:read"] });
    const user = await newMember(role);
    await chief.put(`/api/admin/users/${user.id}`, { denied: ["runs:read"] });
    const lifted = await deputy.put(`/api/admin/users/${user.id}`, { denied: [] });
    expect([lifted.status, lifted.body.code]).toEqual([403, "ACCOUNT_OUTRANKS_YOU"]);
    const [row] = await query("select denied from users where id = $1", [user.id]);
    expect(row.denied).toEqual(["runs:read"]);
  });
});

it("who may change accounts but look none up is told what came of each change", async () => {
  const clerk = await newMember(
    await newRole({ base: "admin", permissions: ["account:self", "users:write"] }),
  );
  const role = await newRole({ permissions: ["account:self"] });
  const email = `${randomUUID()}@example.com`;
  const made = await clerk.post("/api/admin/users", { email, name: "X", custom_role: role });
  expect([made.status, made.body.email]).toEqual([201, email]);
  const path = `/api/admin/users/${made.body.id}`;
  const changes = [
    () => clerk.put(path, { name: "Y" }),
    () => clerk.post(`${path}/suspend`, {}),
    () => clerk.post(`${path}/activate`),
    () => clerk.post(`${path}/approve`),
    () => clerk.post(`${path}/reset-password`),
  ];
  for (const change of changes) {
    const { status, body } = await change();
    expect([status, body.email]).toEqual([200, email]);
  }
  expectStatus(await clerk.get(path), "look up", 403);
});
