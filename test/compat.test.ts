import { randomUUID } from "node:crypto";
import { describe, expect, inject, it } from "vitest";
import { anonymous, Client, newUser } from "./support/client.ts";
import { codeOf, enableTotp } from "./support/factors.ts";
import { expectStatus } from "./support/refusal.ts";
import { badTokens } from "./support/tokens.ts";

const nobody = anonymous();
const withToken = (token: string) => new Client(inject("url"), { authorization: `Bearer ${token}` });

describe("the gateway's account routes", () => {
  it("sign up and in, to the same account", async () => {
    const account = { email: `${randomUUID()}@example.com`, password: `pass-${randomUUID()}` };
    const signedUp = await nobody.post("/v1/auth/signup", account);
    expect([signedUp.status, Object.keys(signedUp.body)]).toEqual([200, ["id", "email"]]);
    const { status, body } = await nobody.post("/v1/auth/login", account);
    expect([status, body.user.id]).toEqual([200, signedUp.body.id]);
    expectStatus(await withToken(body.access_token).get("/api/auth/me"), "me", 200);
  });

  it("do not tell that an address is taken", async () => {
    const { email } = await newUser();
    const again = await nobody.post("/v1/auth/signup", { email, password: `pass-${randomUUID()}` });
    expect([again.status, again.body]).toEqual([200, { id: expect.any(String), email }]);
  });
});

describe("the data platform's account routes", () => {
  it("sign in, say who it is, and out", async () => {
    const user = await newUser();
    const { status, body } = await nobody.post("/api/v1/auth/login", {
      username: user.email,
      password: user.password,
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      token: expect.any(String),
      user: { id: user.id, username: user.email, email: user.email, role: "user", mfa_enabled: false },
      ...{ requires_mfa: false, requires_mfa_setup: false, mfa_setup_data: null, error: null },
    });
    const session = withToken(body.token);
    for (const path of ["/api/v1/auth/me", "/api/v1/auth/session"])
      expect((await session.get(path)).body).toEqual(body.user);
    expectStatus(await session.post("/api/v1/auth/logout"), "logout", 204);
    expectStatus(await session.get("/api/v1/auth/me"), "after it", 401);
  });

  it("ask for the second factor by their own shapes, an app's code or a recovery code", async () => {
    const user = await newUser();
    const { secret, codes } = await enableTotp(user);
    const first = async () => {
      const login = { username: user.email, password: user.password };
      const { body } = await nobody.post("/api/v1/auth/login", login);
      expect(body).toMatchObject({ requires_mfa: true, user: null, token: expect.any(String) });
      return body.token as string;
    };
    for (const code of [codeOf(secret), codes[0]!]) {
      const { status, body } = await nobody.post("/api/v1/auth/mfa/verify", { token: await first(), code });
      expect([status, body.user.id, body.user.mfa_enabled]).toEqual([200, user.id, true]);
      expectStatus(await withToken(body.token).get("/api/v1/auth/me"), "me", 200);
    }
    const again = await nobody.post("/api/v1/auth/mfa/verify", { token: await first(), code: codes[0]! });
    expectStatus(again, "the same recovery code", 401);
  });

  it("take no token from an address or a body", async () => {
    const user = await newUser();
    expectStatus(await nobody.get(`/api/v1/auth/session?token=${user.accessToken}`), "in the address", 401);
    expectStatus(await nobody.post("/api/v1/auth/logout", { token: user.accessToken }), "in the body", 401);
    expectStatus(await user.get("/api/auth/me"), "still there", 200);
  });

  it("refuse a wrong password in the one error shape", async () => {
    const { email: username } = await newUser();
    const { status, body } = await nobody.post("/api/v1/auth/login", { username, password: "wrong" });
    expect([status, body.code]).toEqual([401, "INVALID_CREDENTIALS"]);
  });
});

describe("the control plane's check of a token", () => {
  const check = (token: string) => nobody.post("/api/auth/verify", { token });

  it("says whose it is and how long it lasts, by header or body", async () => {
    const user = await newUser();
    for (const { status, body } of [await user.get("/api/auth/verify"), await check(user.accessToken)]) {
      expect([status, body.valid, body.user.id]).toEqual([200, true, user.id]);
      expect([body.expires_in > 800, body.expires_in <= 900]).toEqual([true, true]);
      expect(Math.abs(Date.parse(body.expires_at) - Date.now() - body.expires_in * 1000)).toBeLessThan(5_000);
    }
  });

  it("says why one is not good, after a logout too", async () => {
    const user = await newUser();
    expect((await nobody.get("/api/auth/verify")).body).toEqual({ valid: false, reason: "TOKEN_MISSING" });
    for (const [flaw, token] of Object.entries(await badTokens(user)))
      expect([flaw, (await check(token)).body.valid]).toEqual([flaw, false]);
    await user.post("/api/auth/logout");
    expect((await check(user.accessToken)).body).toEqual({ valid: false, reason: "SESSION_ENDED" });
  });
});

describe("the keys of tokens", () => {
  it("are published, and none where a shared secret signs", async () => {
    const { status, body } = await nobody.get("/.well-known/jwks.json");
    expect([status, body]).toEqual([200, { keys: [] }]);
  });
});

describe("a page that leads to an account", () => {
  it.each(["/login", "/forgot-password", "/reset-password", "/api/auth/approve-user", "/outbox"])(
    "%s runs nothing but its own script and frames nowhere",
    async (path) => {
      const { status, headers } = await nobody.get(path);
      expect(status).toBe(200);
      const policy = headers.get("content-security-policy");
      expect(policy).toContain("default-src 'none'; script-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(headers.get("cache-control")).toBe("no-store");
    },
  );
});
