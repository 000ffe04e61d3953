import { randomUUID } from "node:crypto";
import { describe, expect, inject, it } from "vitest";
import { Client, newUser, query, type User } from "./support/client.ts";
import { auditOf, codeOf, enableTotp, firstStep, verifyTotp, wrongCode } from "./support/factors.ts";
import { expectStatus } from "./support/refusal.ts";

const withToken = (token: string) => new Client(inject("url"), { authorization: `Bearer ${token}` });
/** One after the other: too many sign-ins at once look like guessing. */
async function stepsOf(user: User, count: number): Promise<string[]> {
  const steps: string[] = [];
  while (steps.length < count) steps.push(await firstStep(user));
  return steps;
}
const tally = (statuses: number[]) =>
  Object.fromEntries([...Map.groupBy(statuses, (s) => s)].map(([s, all]) => [s, all.length]));

describe("an authenticator app", () => {
  it("is set up with a secret of the server's, and enabled by its first code", async () => {
    const user = await newUser();
    const setup = await user.post("/api/auth/mfa/totp/setup");
    expect([setup.status, setup.headers.get("cache-control")]).toEqual([200, "no-store"]);
    const { secret, otpauth_url: url, qr_code: qr } = setup.body;
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    const parsed = new URL(url);
    expect([parsed.protocol, parsed.host]).toEqual(["otpauth:", "totp"]);
    expect(decodeURIComponent(parsed.pathname)).toBe(`/Myelin:${user.email}`);
    expect(Object.fromEntries(parsed.searchParams)).toMatchObject({ secret, issuer: "Myelin" });
    const svg = Buffer.from(qr.replace("data:image/svg+xml;base64,", ""), "base64").toString();
    expect(Number(/^<svg width="(\d+)" height="\1"/.exec(svg)?.[1])).toBeGreaterThanOrEqual(200);

    const wrong = await user.post("/api/auth/mfa/totp/enable", { code: wrongCode(secret) });
    expect([wrong.status, wrong.body.code]).toEqual([401, "INVALID_MFA_CODE"]);
    expect((await user.get("/api/auth/me")).body.mfa_enabled).toBe(false);
    const enabled = await user.post("/api/auth/mfa/totp/enable", { code: codeOf(secret) });
    expectStatus(enabled, "enable", 200);
    expect(new Set(enabled.body.codes).size).toBe(10);
    expect(enabled.body.formatted.split("\n")[0]).toBe(`1. ${enabled.body.codes[0]}`);
    expect((await user.get("/api/auth/me")).body).toMatchObject({ totp_enabled: true, mfa_verified: true });
    expect((await auditOf("mfa.totp_enabled", user.id)).length).toBe(1);
  });

  it("keeps its secret encrypted", async () => {
    const user = await newUser();
    const { secret } = await enableTotp(user);
    const [row] = await query("select * from totp_secrets where user_id = $1", [user.id]);
    expect(JSON.stringify(row)).not.toContain(secret);
  });

  it("can be set up anew until it is enabled, but not over one that is", async () => {
    const user = await newUser();
    const old = (await user.post("/api/auth/mfa/totp/setup")).body.secret;
    const { secret } = await enableTotp(user);
    expect(secret).not.toBe(old);
    expect((await user.post("/api/auth/mfa/totp/setup")).body.code).toBe("TOTP_ALREADY_ENABLED");
    const again = await user.post("/api/auth/mfa/totp/enable", { code: codeOf(secret) });
    expect(again.body.code).toBe("TOTP_ALREADY_ENABLED");
    expectStatus(await verifyTotp(await firstStep(user), codeOf(secret)), "the secret that was kept", 200);
  });

  it("is asked for after the password, and opens a session of two factors", async () => {
    const user = await newUser();
    const { secret } = await enableTotp(user);
    const { email, password } = user;
    const { body } = await new Client(user.url).post("/api/auth/login", { email, password });
    expect(body).toEqual({
      requires_mfa: true,
      mfa_token: expect.any(String),
      mfa_methods: ["totp", "recovery"],
      expires_in: 300,
    });
    const signedIn = await verifyTotp(body.mfa_token, ` ${codeOf(secret).replace(/^.../, "$& ")} `);
    expectStatus(signedIn, "verify", 200);
    const sessions = await withToken(signedIn.body.access_token).get("/api/auth/sessions");
    const current = sessions.body.find((session: any) => session.current);
    expect(current.methods).toEqual(["password", "totp"]);
    expect(signedIn.body.user.mfa_verified).toBe(true);
  });

  it("takes the codes of the step before and after, and none further off", async () => {
    const user = await newUser();
    const { secret } = await enableTotp(user);
    const token = await firstStep(user);
    for (const steps of [-3, 3])
      expectStatus(await verifyTotp(token, codeOf(secret, steps)), `${steps} steps`, 401);
    expectStatus(await verifyTotp(token, codeOf(secret, 1)), "one step ahead", 200);
    const late = await verifyTotp(await firstStep(user), codeOf(secret));
    expectStatus(late, "older than one that was used", 401);
  });

  it.each([
    "",
    " ",
    "12345",
    "1234567",
    "12345a",
    "-12345",
    "1e5",
    "１２３４５６",
    "0x1234",
    "NaN",
    "\0".repeat(6),
  ])("does not break over the code %j, nor take it", async (code) => {
    expectStatus(await verifyTotp("x", code), "nobody's", 401, 422);
    const user = await newUser();
    await user.post("/api/auth/mfa/totp/setup");
    expectStatus(await user.post("/api/auth/mfa/totp/enable", { code }), "enabling", 401, 422);
  });
});

describe("TOTP replay", () => {
  it("of the code that enabled the app is refused", async () => {
    const user = await newUser();
    const { secret } = (await user.post("/api/auth/mfa/totp/setup")).body;
    const code = codeOf(secret);
    expectStatus(await user.post("/api/auth/mfa/totp/enable", { code }), "enable", 200);
    expectStatus(await verifyTotp(await firstStep(user), code), "the same", 401);
  });

  it("of a code that opened a session is refused", async () => {
    const user = await newUser();
    const { secret } = await enableTotp(user);
    const code = codeOf(secret);
    expectStatus(await verifyTotp(await firstStep(user), code), "first", 200);
    expect((await verifyTotp(await firstStep(user), code)).body.code).toBe("INVALID_MFA_CODE");
    const [refused] = await auditOf("mfa.refused", user.id);
    expect(refused).toMatchObject({ outcome: "refused", details: { reason: "code_used_before" } });
  });

  it("of one code by 20 at once, each with a step of its own, opens one session", async () => {
    const user = await newUser();
    const { secret } = await enableTotp(user);
    const steps = await stepsOf(user, 20);
    const code = codeOf(secret);
    const answers = await Promise.all(steps.map((step) => verifyTotp(step, code)));
    // The account takes ten tries in five minutes; those that are judged are judged one against the other.
    expect(tally(answers.map(({ status }) => status))).toEqual({ 200: 1, 401: 9, 429: 10 });
  });
});

describe("MFA brute force", () => {
  it("ends the step after five wrong codes, for the right one too", async () => {
    const user = await newUser();
    const { secret } = await enableTotp(user);
    const token = await firstStep(user);
    for (let i = 0; i < 5; i++)
      expect((await verifyTotp(token, wrongCode(secret))).body.code).toBe("INVALID_MFA_CODE");
    expect((await verifyTotp(token, codeOf(secret))).body.code).toBe("MFA_TOKEN_INVALID");
    expectStatus(await verifyTotp(await firstStep(user), codeOf(secret)), "a new step", 200);
  });

  it("by 40 at once is judged five times", async () => {
    const user = await newUser();
    const { secret } = await enableTotp(user);
    const token = await firstStep(user);
    const answers = await Promise.all(Array.from({ length: 40 }, () => verifyTotp(token, wrongCode(secret))));
    const codes = answers.map(({ body }) => body.code).toSorted();
    expect(codes).toEqual([...Array(5).fill("INVALID_MFA_CODE"), ...Array(35).fill("MFA_TOKEN_INVALID")]);
  });

  it("with a fresh step for every few tries meets the account's own limit", async () => {
    const user = await newUser();
    const { secret } = await enableTotp(user);
    const statuses: number[] = [];
    for (const step of await stepsOf(user, 4))
      for (let i = 0; i < 3; i++) statuses.push((await verifyTotp(step, wrongCode(secret))).status);
    expect(statuses).toEqual([...Array(10).fill(401), 429, 429]);
    const limited = await verifyTotp(await firstStep(user), codeOf(secret));
    expectStatus(limited, "even the right code", 429);
    expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(0);
  });
});

describe("an MFA token", () => {
  it("is no access token", async () => {
    const user = await newUser();
    await enableTotp(user);
    const token = await firstStep(user);
    for (const client of [withToken(token), new Client(user.url, { "x-ic-token": token })])
      expectStatus(await client.get("/api/auth/me"), "as a credential", 401);
    const refreshed = await new Client(user.url).post("/api/auth/refresh", { refresh_token: token });
    expectStatus(refreshed, "as a refresh token", 401);
  });

  it("works once", async () => {
    const user = await newUser();
    const { secret } = await enableTotp(user);
    const token = await firstStep(user);
    expectStatus(await verifyTotp(token, codeOf(secret)), "first", 200);
    expect((await verifyTotp(token, codeOf(secret, 1))).body.code).toBe("MFA_TOKEN_INVALID");
  });

  it("with two good codes at once opens one session", async () => {
    const user = await newUser();
    const { secret } = await enableTotp(user);
    const token = await firstStep(user);
    const answers = await Promise.all([0, 1].map((steps) => verifyTotp(token, codeOf(secret, steps))));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401]);
  });

  it("dies with the password it was got by", async () => {
    const user = await newUser();
    const { secret } = await enableTotp(user);
    const token = await firstStep(user);
    await query("update users set password_changed_at = now() + interval '1 second' where id = $1", [
      user.id,
    ]);
    expect((await verifyTotp(token, codeOf(secret))).body.code).toBe("MFA_TOKEN_INVALID");
  });

  it("dies after five minutes", async () => {
    const user = await newUser();
    const { secret } = await enableTotp(user);
    const token = await firstStep(user);
    await query(
      "update one_time_tokens set expires_at = now() - interval '1 second' where user_id = $1 and purpose = 'mfa'",
      [user.id],
    );
    expect((await verifyTotp(token, codeOf(secret))).body.code).toBe("MFA_TOKEN_INVALID");
  });

  it("is not opened by another account's code", async () => {
    const [victim, attacker] = await Promise.all([newUser(), newUser()]);
    const [own, other] = await Promise.all([enableTotp(victim), enableTotp(attacker)]);
    const token = await firstStep(victim);
    expectStatus(await verifyTotp(token, codeOf(other.secret)), "the attacker's app", 401);
    expectStatus(await verifyTotp(await firstStep(attacker), codeOf(own.secret)), "the other way", 401);
    expectStatus(await verifyTotp(token, codeOf(own.secret)), "the owner's", 200);
  });

  it("does not let in who was suspended after the first step", async () => {
    const user = await newUser();
    const { secret } = await enableTotp(user);
    const token = await firstStep(user);
    await query("update users set suspended_at = now() where id = $1", [user.id]);
    expect((await verifyTotp(token, codeOf(secret))).body.code).toBe("ACCOUNT_SUSPENDED");
  });

  it.each(["", "x".repeat(201), randomUUID(), "../../etc/passwd", "\0"])("is not %j", async (token) => {
    expectStatus(await verifyTotp(token, "123456"), "forged", 401, 422);
  });
});
