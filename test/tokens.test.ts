import { createHash, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { Platform } from "../local/platform.ts";
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
import { startOwnPlatform } from "./support/own-platform.ts";
import { expectStatus } from "./support/refusal.ts";

const program = (token: string, url = inject("url")) => new Client(url, { "x-api-token": token });
const bearer = (token: string) => new Client(inject("url"), { authorization: `Bearer ${token}` });

/** Makes a token; answers what the API does, and a client that sends it. */
async function newToken(user: Client, fields: Record<string, unknown> = {}, url = inject("url")) {
  const answer = await user.post("/api/tokens", { name: "t", scopes: ["*"], ...fields });
  expectStatus(answer, "POST /api/tokens", 201);
  return { ...answer.body, client: program(answer.body.token, url) } as any;
}

let user: User;
beforeAll(async () => {
  user = await newUser();
});

describe("an API token", () => {
  it("acts for its owner by X-API-Token, as Bearer and as a protocol", async () => {
    const { token, client } = await newToken(user);
    expect(token).toMatch(/^at_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    for (const one of [client, bearer(token)])
      expect((await one.get("/api/auth/me")).body).toMatchObject({ id: user.id, role: "user" });
    const byProtocol = new Client(inject("url"), { "sec-websocket-protocol": `bearer.${token}` });
    expectStatus(await byProtocol.get("/api/models"), "protocol", 200);
  });

  it("is shown once and kept as a hash", async () => {
    const { id, token, hint } = await newToken(user);
    const [row] = await query("select * from api_tokens where id = $1", [id]);
    expect(row.token_hash).toBe(createHash("sha256").update(token).digest("hex"));
    expect(JSON.stringify(row)).not.toContain(token);
    expect(token.endsWith(hint)).toBe(true);
    for (const path of [`/api/tokens/${id}`, "/api/tokens"]) {
      const text = JSON.stringify((await user.get(path)).body);
      expect(text).not.toContain(token);
      expect(text).not.toContain(row.token_hash);
    }
  });

  it("remembers when and from where it was used, at most once a minute", async () => {
    const { id, client, last_used_at } = await newToken(user);
    expect(last_used_at).toBeNull();
    await client.get("/api/models");
    const read = () => user.get(`/api/tokens/${id}`);
    const { body } = await until(read, (answer) => answer.body.last_used_at !== null);
    await client.get("/api/models");
    expect((await read()).body.last_used_at).toBe(body.last_used_at);
  });

  it.each([
    ["scopes unknown here", { scopes: ["runs:everything"] }],
    ["no scopes", { scopes: [] }],
    ["a past end", { expires_at: "2020-01-01T00:00:00Z" }],
    ["an address that is none", { allowed_ips: ["10.0.0.0/33"] }],
    ["a name for an address", { allowed_ips: ["localhost"] }],
    ["no requests at all", { requests_per_minute: 0 }],
    ["no name", { name: " " }],
  ])("is not made with %s", async (_, fields) => {
    const answer = await user.post("/api/tokens", { name: "t", scopes: ["*"], ...fields });
    expectStatus(answer, "create", 422);
  });

  it("cannot be made for somebody else, nor with a secret of one's own", async () => {
    const other = await newUser();
    const token = `at_${randomUUID()}`;
    const made = await newToken(user, { user_id: other.id, token, token_hash: "x", id: other.id });
    expect(made.user_id).toBe(user.id);
    expect([made.token, made.id]).not.toContain(token);
    expectStatus(await program(token).get("/api/models"), "own secret", 401);
  });

  it("is one of at most a hundred, however many are asked for at once", async () => {
    const one = await newUser();
    await query(
      `insert into api_tokens (user_id, name, token_hash, hint, scopes)
       select $1, 't', gen_random_uuid()::text, 'x', '["*"]' from generate_series(1, 95)`,
      [one.id],
    );
    const ask = () => one.post("/api/tokens", { name: "t", scopes: ["*"] });
    const answers = await Promise.all(Array.from({ length: 12 }, ask));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([
      ...Array(5).fill(201),
      ...Array(7).fill(409),
    ]);
    const { body } = await one.get("/api/tokens");
    expectStatus(await one.delete(`/api/tokens/${body[0].id}`), "revoke", 204);
    expectStatus(await ask(), "after one was revoked", 201);
  });

  it("is listed in pages, newest first, without the revoked", async () => {
    const one = await newUser();
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift((await newToken(one, { name: `t${i}` })).id);
    await one.delete(`/api/tokens/${ids[2]}`);
    const first = await one.get("/api/tokens?limit=3");
    const next = /<([^>]+)>/.exec(first.headers.get("link")!)![1]!;
    const pages = [...first.body, ...(await one.get(next)).body];
    expect(pages.map(({ id }) => id)).toEqual(ids.filter((_, i) => i !== 2));
  });
});

describe("scopes narrow and never widen", () => {
  it("a token does what its scopes say and nothing else", async () => {
    const { client } = await newToken(user, { scopes: ["runs:read", "runs:write"] });
    const run = await newRun(client);
    expectStatus(await client.get(`/api/training/runs/${run}`), "in scope", 200);
    const refused = await client.get("/api/models");
    expectStatus(refused, "out of scope", 403);
    expect(refused.body).toMatchObject({ code: "PERMISSION_DENIED", details: { permission: "models:read" } });
    expectStatus(await client.post("/api/models", { name: "m", model_type: "x" }), "out of scope", 403);
  });

  it("nobody gives a token what they lack themselves", async () => {
    const answer = await user.post("/api/tokens", { name: "t", scopes: ["runs:read", "users:write"] });
    expectStatus(answer, "beyond", 403);
    expect(answer.body).toMatchObject({ code: "SCOPES_BEYOND_YOURS", details: { scopes: ["users:write"] } });
  });

  it("a demotion narrows every token of the account at once", async () => {
    const chief = await newAdmin();
    const { client } = await newToken(chief);
    expectStatus(await client.get("/api/admin/users"), "as admin", 200);
    await query("update users set role = 'viewer' where id = $1", [chief.id]);
    expectStatus(await client.get("/api/admin/users"), "as viewer", 403);
    expectStatus(await client.post("/api/models", { name: "m", model_type: "x" }), "as viewer", 403);
  });

  it("a token that names an admin's permission does not keep it", async () => {
    const chief = await newAdmin();
    const { client } = await newToken(chief, { scopes: ["users:read"] });
    await query("update users set role = 'user' where id = $1", [chief.id]);
    expectStatus(await client.get("/api/admin/users"), "demoted", 403);
  });

  it("what is denied to the account is denied to its tokens", async () => {
    const one = await newUser();
    const { client } = await newToken(one);
    await query(`update users set denied = '["models:read"]' where id = $1`, [one.id]);
    expectStatus(await client.get("/api/models"), "denied", 403);
    expectStatus(await client.get("/api/datasets"), "not denied", 200);
  });

  it("an update narrows, and concurrent ones do not add up to more", async () => {
    const { id } = await newToken(user, { scopes: ["runs:read", "models:read"] });
    const put = (scopes: string[]) => user.put(`/api/tokens/${id}`, { scopes });
    for (const scopes of [["*"], ["runs:read", "datasets:read"]])
      expect((await put(scopes)).body.code).toBe("SCOPES_WIDEN");
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => put([i % 2 ? "runs:read" : "models:read"])),
    );
    const winners = new Set(answers.filter(({ status }) => status === 200).map(({ body }) => body.scopes[0]));
    expect(winners.size).toBe(1);
    expect((await user.get(`/api/tokens/${id}`)).body.scopes).toEqual([...winners]);
  });

  it("an update changes name, addresses and limit, and nothing else", async () => {
    const { id, token, user_id } = await newToken(user, { requests_per_minute: 5 });
    const other = await newUser();
    const { status, body } = await user.put(`/api/tokens/${id}`, {
      ...{ name: "new", allowed_ips: ["10.0.0.0/8"], requests_per_minute: null },
      ...{ user_id: other.id, expires_at: null, token_hash: "x", revoked_at: null },
    });
    expect([status, body]).toMatchObject([
      200,
      { name: "new", allowed_ips: ["10.0.0.0/8"], requests_per_minute: null, user_id, scopes: ["*"] },
    ]);
    const hash = createHash("sha256").update(token).digest("hex");
    expect(
      await query("select 1 from api_tokens where id = $1 and token_hash = $2", [id, hash]),
    ).toHaveLength(1);
  });
});

describe("only a person makes, changes and revokes tokens", () => {
  it("a token mints no token, rotates none and revokes none, itself included", async () => {
    const { id, client } = await newToken(user);
    const attempts = [
      client.post("/api/tokens", { name: "t", scopes: ["*"] }),
      client.post(`/api/tokens/${id}/rotate`),
      client.put(`/api/tokens/${id}`, { name: "x" }),
      client.delete(`/api/tokens/${id}`),
      client.post("/api/agents", { name: randomUUID() }),
    ];
    for (const answer of await Promise.all(attempts))
      expect([answer.status, answer.body.code]).toEqual([403, "SESSION_REQUIRED"]);
    expectStatus(await client.get("/api/tokens"), "it may look", 200);
  });

  it("a token gets at no session and no mail of its owner", async () => {
    const { client } = await newToken(await newAdmin());
    for (const path of ["/api/auth/sessions", "/api/admin/mail"])
      expect((await client.get(path)).body.code).toBe("SESSION_REQUIRED");
  });

  it("a viewer makes none", async () => {
    const viewer = await newViewer();
    expectStatus(await viewer.post("/api/tokens", { name: "t", scopes: ["runs:read"] }), "viewer", 403);
  });

  it("another user's token is not there", async () => {
    const { id, client } = await newToken(user);
    const other = await newUser();
    const attempts = [
      other.get(`/api/tokens/${id}`),
      other.put(`/api/tokens/${id}`, { name: "x" }),
      other.delete(`/api/tokens/${id}`),
      other.post(`/api/tokens/${id}/rotate`),
    ];
    for (const answer of await Promise.all(attempts)) expectStatus(answer, "another's", 404);
    expect((await other.get("/api/tokens")).body).toEqual([]);
    expectStatus(await client.get("/api/models"), "it lives", 200);
  });

  it("an administrator sees and revokes everybody's, and gets at no secret", async () => {
    const { id, client } = await newToken(user);
    const chief = await admin();
    expect((await chief.get(`/api/tokens/${id}`)).body).toMatchObject({ id, user_id: user.id });
    expectStatus(await chief.post(`/api/tokens/${id}/rotate`), "rotate", 404);
    expectStatus(await chief.put(`/api/tokens/${id}`, { name: "x" }), "rename", 404);
    expectStatus(await chief.delete(`/api/tokens/${id}`), "revoke", 204);
    expectStatus(await client.get("/api/models"), "revoked", 401);
  });
});

describe("a dead token opens nothing", () => {
  /** A call on a route where actors are remembered, so that staleness would show. */
  async function hotCall({ client }: { client: Client }) {
    const run = await newRun(user);
    const report = () => client.post(`/api/training/runs/${run}/metrics`, { epoch: 0, step: 1 });
    expectStatus(await report(), "while it lives", 201);
    return report;
  }

  it("when revoked, at once and on hot routes too; a second time there is nothing to revoke", async () => {
    const made = await newToken(user);
    const report = await hotCall(made);
    expectStatus(await user.delete(`/api/tokens/${made.id}`), "revoke", 204);
    for (const answer of [await report(), await made.client.get("/api/models")])
      expect([answer.status, answer.body.code]).toEqual([401, "TOKEN_INVALID"]);
    expectStatus(await user.delete(`/api/tokens/${made.id}`), "again", 404);
    expectStatus(await user.get(`/api/tokens/${made.id}`), "get", 404);
    expectStatus(await user.post(`/api/tokens/${made.id}/rotate`), "rotate", 404);
  });

  it("when revoked by another instance of the Worker, within five seconds on hot routes", async () => {
    const made = await newToken(user);
    const report = await hotCall(made);
    await query("update api_tokens set revoked_at = now() where id = $1", [made.id]);
    expectStatus(await made.client.get("/api/models"), "an ordinary route", 401);
    await until(report, ({ status }) => status === 401, { withinMs: 6_000, everyMs: 250 });
  });

  it("when rotated: the old secret at once, and the new one is the same token", async () => {
    const made = await newToken(user, { scopes: ["models:read", "runs:write"] });
    const report = await hotCall(made);
    const rotated = await user.post(`/api/tokens/${made.id}/rotate`);
    expect([rotated.status, rotated.body]).toMatchObject([200, { id: made.id, scopes: made.scopes }]);
    expect(rotated.body.token).not.toBe(made.token);
    for (const answer of [await report(), await made.client.get("/api/models")])
      expectStatus(answer, "the old one", 401);
    expectStatus(await program(rotated.body.token).get("/api/models"), "the new one", 200);
    expectStatus(await program(rotated.body.token).get("/api/datasets"), "out of scope still", 403);
  });

  it("when expired, cached or not, and rotating does not wake it", async () => {
    const made = await newToken(user, { expires_at: new Date(Date.now() + 1_500).toISOString() });
    const report = await hotCall(made);
    const last = await until(report, ({ status }) => status === 401, { withinMs: 3_000 });
    expect(last.body.code).toBe("TOKEN_EXPIRED");
    expect((await made.client.get("/api/models")).body.code).toBe("TOKEN_EXPIRED");
    expect((await user.post(`/api/tokens/${made.id}/rotate`)).body.code).toBe("TOKEN_HAS_EXPIRED");
    expect((await user.get(`/api/tokens/${made.id}`)).body.expired).toBe(true);
  });

  it.each([
    ["made up", `at_${randomUUID()}`],
    ["no id", "at_x"],
    ["empty behind its prefix", "at_"],
    ["in the place of an agent's", `ic_${randomUUID()}`],
    ["a hash", createHash("sha256").update("x").digest("hex")],
  ])("when it is %s", async (_, token) => {
    for (const client of [program(token), bearer(token)])
      expectStatus(await client.get("/api/models"), token, 401);
  });

  it("when it comes in the header of another kind", async () => {
    const { token } = await newToken(user);
    const asAgent = new Client(inject("url"), { "x-ic-token": token });
    expectStatus(await asAgent.get("/api/models"), "as an agent's", 401);
    expectStatus(await program(user.accessToken).get("/api/models"), "an access token as a program's", 401);
  });
});

describe("two credentials in one request", () => {
  it("are refused when they differ, whichever is the stronger", async () => {
    const { token } = await newToken(user, { scopes: ["models:read"] });
    const other = await newUser();
    const pairs: Record<string, string>[] = [
      { "x-api-token": token, ...user.headers },
      { "x-api-token": token, ...other.headers },
      { "x-api-token": token, authorization: "Bearer garbage" },
      { "x-ic-token": `ic_${randomUUID()}`, ...user.headers },
    ];
    for (const headers of pairs) {
      const { status, body } = await new Client(inject("url"), headers).get("/api/models");
      expect([status, body.code]).toEqual([400, "CREDENTIALS_CONFLICT"]);
    }
    const same = new Client(inject("url"), { "x-api-token": token, authorization: `Bearer ${token}` });
    expectStatus(await same.get("/api/models"), "the same twice", 200);
  });
});

describe("a token's own limit", () => {
  it("holds over all routes, says what is left, and is nobody else's", async () => {
    const left = 60_000 - (Date.now() % 60_000);
    if (left < 6_000) await new Promise((resolve) => setTimeout(resolve, left + 50));
    const { client } = await newToken(user, { requests_per_minute: 3 });
    const answers = [];
    for (const path of ["/api/models", "/api/datasets", "/api/models", "/api/models"])
      answers.push(await client.get(path));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(answers.map(({ headers }) => headers.get("ratelimit-remaining"))).toEqual(["2", "1", "0", "0"]);
    expect(Number(answers[3]!.headers.get("retry-after"))).toBeGreaterThan(0);
    expectStatus(await user.get("/api/models"), "its owner", 200);
    expectStatus(await (await newToken(user)).client.get("/api/models"), "another token", 200);
  });
});

it("is written down from its making to its end, without the secret", async () => {
  const { id, token } = await newToken(user);
  await user.put(`/api/tokens/${id}`, { name: "x" });
  await user.post(`/api/tokens/${id}/rotate`);
  await user.delete(`/api/tokens/${id}`);
  const { body } = await (await admin()).get(`/api/admin/audit?target_id=${id}&action=token.*`);
  expect(body.map(({ action }: any) => action)).toEqual([
    ...["token.revoked", "token.rotated", "token.updated", "token.created"],
  ]);
  expect(JSON.stringify(body)).not.toContain(token);
});

describe("where clients can be told apart", () => {
  const folder = mkdtempSync(join(tmpdir(), "myelin-tokens-"));
  let platform: Platform;
  let chief: Client;
  const from = (ip: string) => ({ headers: { "x-forwarded-for": ip } });

  beforeAll(async () => {
    platform = await startOwnPlatform({
      dataDir: folder,
      env: { LOG_LEVEL: "warn", TRUSTED_HOPS: "1", REQUIRE_MFA: "admin" },
    });
    const nobody = new Client(platform.url);
    const account = { email: "ada@example.com", name: "Ada", password: "correct horse battery" };
    await nobody.post("/api/auth/register", account);
    const { body } = await nobody.post("/api/auth/login", account);
    chief = new Client(platform.url, { authorization: `Bearer ${body.access_token}` });
  });
  afterAll(async () => {
    await platform?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("a token opens nothing from another address, and a forged one in front changes nothing", async () => {
    const { client, id } = await newToken(
      chief,
      { allowed_ips: ["192.0.2.0/24", "2001:db8::/32"] },
      platform.url,
    );
    for (const ip of ["192.0.2.9", "2001:db8::7", "::ffff:192.0.2.1", "198.51.100.1, 192.0.2.9"])
      expectStatus(await client.get("/api/models", from(ip)), ip, 200);
    for (const ip of ["198.51.100.1", "192.0.2.9, 198.51.100.1", "2001:db9::1", "nonsense"]) {
      const { status, body } = await client.get("/api/models", from(ip));
      expect([ip, status, body.code]).toEqual([ip, 403, "TOKEN_ADDRESS_REFUSED"]);
    }
    expectStatus(await client.get("/api/models"), "no address at all", 403);
    const read = () => chief.get(`/api/tokens/${id}`);
    const { body } = await until(read, (answer) => answer.body.last_used_ip !== null);
    expect(body.last_used_ip).toBe("192.0.2.9");
  });

  it("hot routes ask for the address each time", async () => {
    const { client } = await newToken(chief, { allowed_ips: ["192.0.2.9"] }, platform.url);
    const run = await newRun(chief);
    const report = (ip: string) =>
      client.post(`/api/training/runs/${run}/metrics`, { epoch: 0, step: 1 }, from(ip));
    expectStatus(await report("192.0.2.9"), "allowed", 201);
    expectStatus(await report("192.0.2.10"), "the next address", 403);
  });

  it("a token is no way around a second factor that its owner's role demands", async () => {
    const { client } = await newToken(chief, {}, platform.url);
    const { client: narrow } = await newToken(chief, { scopes: ["models:read"] }, platform.url);
    expectStatus(await client.get("/api/models"), "as user", 200);
    await query("update users set role = 'admin'", [], platform.databaseUrl);
    expect((await client.get("/api/models")).body.code).toBe("MFA_REQUIRED");
    expectStatus(await client.get("/api/auth/me"), "its own account", 200);
    expectStatus(await narrow.get("/api/auth/me"), "which was not in scope", 403);
  });
});
