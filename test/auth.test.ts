import { randomUUID } from "node:crypto";
import { hash, verify } from "@node-rs/argon2";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, inject, it } from "vitest";
import { anonymous, Client, newRun, newUser, query, signIn, until, type User } from "./support/client.ts";
import { expectStatus } from "./support/refusal.ts";
import { forge } from "./support/tokens.ts";

const nobody = anonymous();
const withToken = (token: string) => new Client(inject("url"), { authorization: `Bearer ${token}` });
const refresh = (token: string) => nobody.post("/api/auth/refresh", { refresh_token: token });
/** Registers; `email` is the address that was sent. */
async function register(fields: Record<string, unknown>) {
  const email = `${randomUUID()}@example.com`;
  const body = { email, name: "Test", password: `pass-${randomUUID()}`, ...fields };
  return { ...(await nobody.post("/api/auth/register", body)), email: body.email };
}
const login = (email: string, password: string) => nobody.post("/api/auth/login", { email, password });

describe("a session", () => {
  it("goes from register over login, me and refresh to logout", async () => {
    const email = `${randomUUID()}@example.com`;
    const registered = await register({ email, name: "  Ada  ", password: "correct horse battery" });
    expect([registered.status, registered.body.success]).toEqual([201, true]);
    const { status, body } = await login(email, "correct horse battery");
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_type: "Bearer", expires_in: 900, requires_mfa: false });
    expect(body.token).toBe(body.access_token);
    expect(body.user).toMatchObject({ email, name: "Ada", role: "user", mfa_enabled: false });
    const me = (await withToken(body.access_token).get("/api/auth/me")).body;
    expect(me).toMatchObject({ id: body.user.id, email, name: "Ada", role: "user" });
    const next = (await refresh(body.refresh_token)).body;
    expect(next.user).toEqual(me);
    expect(next.refresh_token).not.toBe(body.refresh_token);
    // An access token lives out its time; the refresh only adds one.
    for (const token of [body.access_token, next.access_token])
      expectStatus(await withToken(token).get("/api/auth/me"), "me", 200);
    expectStatus(await withToken(next.access_token).post("/api/auth/logout"), "logout", 204);
    for (const token of [body.access_token, next.access_token])
      expect((await withToken(token).get("/api/auth/me")).body.code).toBe("SESSION_ENDED");
    expectStatus(await refresh(next.refresh_token), "refresh after logout", 401);
  });

  it("of one device outlives the logout of another", async () => {
    const first = await newUser();
    const second = await signIn(first.email, first.password);
    await first.post("/api/auth/logout");
    expectStatus(await first.get("/api/auth/me"), "the first", 401);
    expectStatus(await second.get("/api/auth/me"), "the second", 200);
  });

  it("shows no password and no hash in any answer", async () => {
    const user = await newUser();
    const answers = [await login(user.email, user.password), await user.get("/api/auth/me")];
    for (const { body } of answers) expect(JSON.stringify(body)).not.toMatch(/argon2|password/i);
  });

  it("opens with tokens that say who they are for, by whom, and of which kind", async () => {
    const user = await newUser();
    const access = decodeJwt(user.accessToken);
    const rotating = decodeJwt(user.refreshToken);
    expect(access).toMatchObject({
      iss: "myelin",
      aud: "myelin:access",
      sub: user.id,
      typ: "access",
      role: "user",
    });
    expect(rotating).toMatchObject({ iss: "myelin", aud: "myelin:refresh", sub: user.id, typ: "refresh" });
    expect([access.exp! - access.iat!, rotating.exp! - rotating.iat!]).toEqual([900, 30 * 86_400]);
    const kid = expect.stringMatching(/^[0-9a-f]{16}$/);
    expect(decodeProtectedHeader(user.accessToken)).toEqual({ alg: "HS256", typ: "at+jwt", kid });
    expect(decodeProtectedHeader(user.refreshToken)).toEqual({ alg: "HS256", typ: "rt+jwt", kid });
    const again = await signIn(user.email, user.password);
    const jtis = [user, again].flatMap((u) => [decodeJwt(u.accessToken).jti, decodeJwt(u.refreshToken).jti]);
    expect(new Set(jtis).size).toBe(4);
  });
});

describe("a refresh token", () => {
  it("that is used again ends its session: both pairs die", async () => {
    const user = await newUser();
    const next = (await refresh(user.refreshToken)).body;
    expect((await refresh(user.refreshToken)).body.code).toBe("TOKEN_INVALID");
    expectStatus(await refresh(next.refresh_token), "the rightful successor", 401);
    for (const token of [user.accessToken, next.access_token])
      expect((await withToken(token).get("/api/auth/me")).body.code).toBe("SESSION_ENDED");
  });

  it("sent many times at once is traded once", async () => {
    const user = await newUser();
    const answers = await Promise.all(Array.from({ length: 12 }, () => refresh(user.refreshToken)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(11).fill(401)]);
  });

  it("is no access token, and an access token is no refresh token", async () => {
    const user = await newUser();
    expectStatus(await withToken(user.refreshToken).get("/api/auth/me"), "refresh as access", 401);
    expectStatus(await refresh(user.accessToken), "access as refresh", 401);
    // Neither half of what tells the kinds apart is enough.
    const audience = await forge(user, { change: (token) => token.setAudience("myelin:refresh") });
    const header = await forge(user, { typ: "rt+jwt" });
    for (const token of [audience, header]) {
      expectStatus(await refresh(token), "half a refresh token", 401);
      expectStatus(await withToken(token).get("/api/auth/me"), "half an access token", 401);
    }
    expectStatus(await withToken(user.accessToken).get("/api/auth/me"), "the session lives", 200);
  });

  it("of an expired session opens nothing", async () => {
    const user = await newUser();
    await query("update sessions set expires_at = now() - interval '1 second' where user_id = $1", [user.id]);
    expectStatus(await refresh(user.refreshToken), "refresh", 401);
    expect((await user.get("/api/auth/me")).body.code).toBe("SESSION_ENDED");
  });
});

describe("a logout is felt", () => {
  const hot = async (user: User) => {
    const run = await newRun(user);
    return () => user.post(`/api/training/runs/${run}/metrics`, { epoch: 0, step: 1 });
  };

  it("at once on ordinary routes and within five seconds on hot ones", async () => {
    const user = await newUser();
    const report = await hot(user);
    expectStatus(await report(), "before", 201);
    await user.post("/api/auth/logout");
    expectStatus(await user.get("/api/training/runs"), "an ordinary route", 401);
    const { body } = await until(report, ({ status }) => status === 401, { withinMs: 6_000, everyMs: 250 });
    expect(body.code).toBe("SESSION_ENDED");
  });

  it("within five seconds on hot routes when another instance of the Worker ended the session", async () => {
    const user = await newUser();
    const report = await hot(user);
    await report();
    await query("update sessions set ended_at = now() where user_id = $1", [user.id]);
    await until(report, ({ status }) => status === 401, { withinMs: 6_000, everyMs: 250 });
  });
});

describe("the role", () => {
  it("is the account's at this moment, not the token's", async () => {
    const user = await newUser();
    const create = () => user.post("/api/models", { name: randomUUID(), model_type: "x" });
    expectStatus(await create(), "as user", 201);
    await query("update users set role = 'viewer' where id = $1", [user.id]);
    expectStatus(await create(), "as viewer", 403);
    expect((await user.get("/api/auth/me")).body.role).toBe("viewer");
    await query("update users set role = 'user' where id = $1", [user.id]);
    expectStatus(await create(), "as user again", 201);
  });

  it("in a token is nothing one could raise oneself by, even with the key", async () => {
    const user = await newUser();
    const stranger = await newUser();
    const run = await newRun(stranger);
    const forged = withToken(await forge(user, { claims: { role: "admin" } }));
    expect((await forged.get("/api/auth/me")).body.role).toBe("user");
    expectStatus(await forged.get(`/api/training/runs/${run}`), "another's run", 404);
  });

  it("and the id cannot be chosen when registering", async () => {
    const id = randomUUID();
    const extra = {
      id,
      role: "admin",
      created_at: "2000-01-01T00:00:00Z",
      password_hash: "x",
      passwordHash: "x",
    };
    const password = `pass-${randomUUID()}`;
    const { status, email } = await register({ ...extra, password, __proto__: { role: "admin" } });
    expect(status).toBe(201);
    const { user } = (await login(email, password)).body;
    expect(user).toMatchObject({ role: "user", created_at: expect.not.stringMatching(/^2000/) });
    expect(user.id).not.toBe(id);
  });
});

describe("an e-mail address", () => {
  it("is one account however it is written", async () => {
    const name = randomUUID();
    const password = `pass-${randomUUID()}`;
    const first = await register({ email: `  ${name}@EXAMPLE.com `, password });
    const second = await register({ email: `${name.toUpperCase()}@example.COM` });
    expect([second.status, second.body]).toEqual([first.status, first.body]);
    const { status, body } = await login(` ${name.toUpperCase()}@Example.com`, password);
    expect([status, body.user.email]).toEqual([200, `${name}@example.com`]);
  });

  it("is given to one of many who ask at once", async () => {
    const email = `${randomUUID()}@example.com`;
    const answers = await Promise.all(Array.from({ length: 8 }, () => register({ email })));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(201));
    expect(await query("select 1 from users where email = $1", [email])).toHaveLength(1);
  });

  it.each([
    "",
    "nobody",
    "@example.com",
    "a@b",
    "a b@example.com",
    "a@example.com\nbcc: b@example.com",
    `${"a".repeat(250)}@example.com`,
  ])("is refused when it is none: %j", async (email) => {
    expectStatus(await register({ email }), email, 422);
  });

  it("that is unknown and a password that is wrong are answered alike", async () => {
    const user = await newUser();
    const unknown = await login(`${randomUUID()}@example.com`, user.password);
    const wrong = await login(user.email, `${user.password}x`);
    expect([unknown.status, unknown.body.error, unknown.body.code]).toEqual([
      ...[wrong.status, wrong.body.error, wrong.body.code],
    ]);
    expect(wrong.body.code).toBe("INVALID_CREDENTIALS");
  });
});

describe("a password", () => {
  it.each([
    ["of 11 characters", "a".repeat(11), 422],
    ["of 12 characters", "a".repeat(12), 201],
    ["of 11 emoji, 22 code units", "🧠".repeat(11), 422],
    ["of 12 emoji", "🧠".repeat(12), 201],
    ["of 128 characters", "a".repeat(128), 201],
    ["of 128 emoji, 256 code units", "🧠".repeat(128), 201],
    ["of 129 characters", "a".repeat(129), 422],
    ["of 12 characters that are 11 composed", `${"a".repeat(10)}a\u0308`, 422],
    ["of spaces", " ".repeat(12), 201],
    ["that is no text", 123_456_789_012, 422],
  ])("%s: %#", async (_, password, status) => {
    expectStatus(await register({ password }), "register", status);
  });

  it("is the same composed and decomposed", async () => {
    const [composed, decomposed] = ["pässword-äöüß".normalize("NFC"), "pässword-äöüß".normalize("NFD")];
    expect(composed).not.toBe(decomposed);
    for (const [chosen, typed] of [
      [composed, decomposed],
      [decomposed, composed],
    ]) {
      const { email } = await register({ password: chosen });
      expectStatus(await login(email, typed!), "login", 200);
    }
  });

  it.each([
    ["beyond ASCII", "пароль-密码-🧠-pässword"],
    ["with U+0000 inside", "before\0after-and-more"],
    ["that differs in its last byte only", "密".repeat(40)],
  ])("%s is hashed as native Argon2id hashes it", async (_, password) => {
    const { email } = await register({ password });
    const [{ password_hash: stored }] = (await query("select password_hash from users where email = $1", [
      email,
    ])) as [{ password_hash: string }];
    expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await verify(stored, password)).toBe(true);
    for (const other of [`${password}x`, password.slice(0, -1), password.split("\0")[0]!])
      if (other !== password) expect(await verify(stored, other)).toBe(false);
    expectStatus(await login(email, password), "the same", 200);
    expectStatus(await login(email, password.slice(0, -1)), "one character less", 401);
  });

  it.each([
    ["our own cost", {}],
    ["four lanes", { memoryCost: 65_536, timeCost: 3, parallelism: 4 }],
    ["the least memory", { memoryCost: 8, timeCost: 1, parallelism: 1 }],
  ])("hashed natively with %s opens the account", async (_, cost) => {
    const user = await newUser();
    const password = "чужой-пароль\0🧠";
    const native = await hash(password, {
      algorithm: 2,
      memoryCost: 19_456,
      timeCost: 2,
      parallelism: 1,
      ...cost,
    });
    await query("update users set password_hash = $1 where id = $2", [native, user.id]);
    expectStatus(await login(user.email, password), "the new password", 200);
    expectStatus(await login(user.email, user.password), "the old password", 401);
  });

  it.each([
    "",
    "plaintext-password",
    "$argon2id$v=19$m=9999999,t=99,p=9$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g",
    "$argon2i$v=19$m=4096,t=3,p=1$c2FsdHNhbHQ$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A",
    "$2b$12$abcdefghijklmnopqrstuuJ8sK3d8bV7oE0cGv1rYHkq3Zp4cO6Ey",
  ])("is refused, not answered with a fault, when the stored hash is %j", async (stored) => {
    const user = await newUser();
    await query("update users set password_hash = $1 where id = $2", [stored, user.id]);
    expectStatus(await login(user.email, user.password), "login", 401);
  });
});

describe("every answer", () => {
  const sane = ["12345678", "a-b_c.d:e-1", "x".repeat(128)];
  const insane = ["short", "x".repeat(129), "with space-1", "semi;colon-1", "<script>alert", "ünicode-id"];

  it("says a sane request id back and replaces any other", async () => {
    const ask = async (id: string) =>
      (await nobody.get("/api/auth/me", { headers: { "x-request-id": id } })).headers.get("x-request-id");
    for (const id of sane) expect(await ask(id)).toBe(id);
    for (const id of insane) expect(await ask(id)).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ["200", "GET", "/api/models", {}],
    ["401", "GET", "/api/models", { authorization: "Bearer x" }],
    ["404", "GET", "/nothing", {}],
    ["405", "PATCH", "/api/models", {}],
    ["422", "GET", "/api/models?limit=0", {}],
    ["204", "POST", "/api/auth/logout", {}],
  ])("%s forbids framing, sniffing and running it", async (status, method, path, headers) => {
    const answer = await (
      await newUser()
    ).call(method, path, undefined, { headers: headers as Record<string, string> });
    expect(answer.status).toBe(Number(status));
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "referrer-policy": "no-referrer",
      "strict-transport-security": expect.stringContaining("max-age=31536000"),
      "x-request-id": expect.stringMatching(/./),
    });
  });

  it("opens to a configured origin and to no other", async () => {
    const allowed = async (origin: string, method = "GET", path = "/api/models") => {
      const headers = { origin, "access-control-request-method": "POST" };
      return (await nobody.call(method, path, undefined, { headers })).headers.get(
        "access-control-allow-origin",
      );
    };
    for (const method of ["GET", "OPTIONS"]) {
      expect(await allowed("https://dashboard.example", method)).toBe("https://dashboard.example");
      for (const origin of [
        ...[
          "https://evil.example",
          "null",
          "https://dashboard.example.evil.example",
          "http://dashboard.example",
        ],
        ...["https://dashboard.example:444", "https://sub.dashboard.example"],
      ])
        expect(await allowed(origin, method)).toBeNull();
    }
    expect(await allowed("https://dashboard.example", "GET", "/nothing")).toBe("https://dashboard.example");
  });

  it("never lets a page send credentials by itself", async () => {
    const { headers } = await nobody.get("/health", { headers: { origin: "https://dashboard.example" } });
    expect(headers.get("access-control-allow-credentials")).toBeNull();
    expect(headers.get("vary")).toMatch(/origin/i);
    expect(headers.get("set-cookie")).toBeNull();
  });
});
