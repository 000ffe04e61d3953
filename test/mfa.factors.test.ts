import { describe, expect, it } from "vitest";
import { newUser, query, signIn, type User } from "./support/client.ts";
import {
  addPasskey,
  auditOf,
  codeOf,
  creationOptions,
  Device,
  enableTotp,
  finishLogin,
  finishRegistration,
  firstStep,
  letGoStale,
  requestOptions,
  verifyTotp,
  wrongCode,
} from "./support/factors.ts";
import { holdingsOf } from "./support/holdings.ts";
import { expectStatus } from "./support/refusal.ts";

const again = (user: User, body: Record<string, unknown>) => user.post("/api/auth/reauthenticate", body);

describe("a stale session", () => {
  it("changes no second factor", async () => {
    const user = await newUser();
    const device = new Device();
    const { id } = await addPasskey(user, device);
    const waiting = device.create({ ...(await creationOptions(user)), excludeCredentials: [] });
    await letGoStale(user);
    const passkeys = "/api/auth/mfa/webauthn";
    const changes = [
      user.post("/api/auth/mfa/totp/setup"),
      user.post("/api/auth/mfa/totp/enable", { code: "123456" }),
      user.post("/api/auth/mfa/totp/disable"),
      user.post("/api/auth/mfa/disable"),
      user.post("/api/auth/mfa/recovery/generate"),
      user.post(`${passkeys}/register/start`),
      finishRegistration(user, waiting),
      user.delete(`${passkeys}/credentials/${id}`),
    ];
    for (const answer of await Promise.all(changes))
      expect([answer.status, answer.body.code]).toEqual([403, "REAUTHENTICATION_REQUIRED"]);
    expect((await user.get("/api/auth/mfa")).body.passkeys).toHaveLength(1);
    expectStatus(await user.put(`${passkeys}/credentials/${id}`, { name: "x" }), "a name is no factor", 200);
  });

  it("is made fresh by the password", async () => {
    const user = await newUser();
    await letGoStale(user);
    const { status, body } = await again(user, { password: user.password });
    expect([status, body]).toEqual([200, { authenticated_at: expect.any(String), factor_at: null }]);
    expect(Date.now() - Date.parse(body.authenticated_at)).toBeLessThan(10_000);
    expectStatus(await user.post("/api/auth/mfa/totp/setup"), "set-up", 200);
  });

  it("is made fresh by a code, once, and by a passkey", async () => {
    const user = await newUser();
    const device = new Device();
    const { secret } = await enableTotp(user);
    await addPasskey(user, device);
    await letGoStale(user);
    const code = codeOf(secret);
    const byCode = (await again(user, { code })).body;
    expect(byCode.factor_at).toBe(byCode.authenticated_at);
    expectStatus(await again(user, { code }), "the same code", 401);
    await letGoStale(user);
    const options = (await user.post("/api/auth/reauthenticate/start")).body;
    const response = device.get(options);
    const byPasskey = await again(user, { response });
    expect([byPasskey.status, byPasskey.body.factor_at]).toEqual([200, expect.any(String)]);
    expect((await again(user, { response })).body.code).toBe("PASSKEY_REFUSED");
    expectStatus(await user.post("/api/auth/mfa/recovery/generate"), "a change", 200);
  });
});

describe("re-authentication", () => {
  it("takes exactly one proof, and no wrong one", async () => {
    const user = await newUser();
    const { secret } = await enableTotp(user);
    for (const body of [
      {},
      { password: user.password, code: codeOf(secret) },
      { password: "" },
      { code: "1" },
    ])
      expectStatus(await again(user, body), JSON.stringify(body), 422);
    expect((await again(user, { password: "wrong" })).body.code).toBe("INVALID_CREDENTIALS");
    expect((await again(user, { code: wrongCode(secret) })).body.code).toBe("INVALID_MFA_CODE");
    expect((await user.post("/api/auth/reauthenticate/start")).body.code).toBe("NO_PASSKEY");
    expect(await auditOf("mfa.refused", user.id)).toHaveLength(2);
  });

  it("takes a password in whatever form it is typed, as signing in does", async () => {
    const user = await newUser();
    const [composed, decomposed] = ["pässword-äöüß".normalize("NFC"), "pässword-äöüß".normalize("NFD")];
    const change = { current_password: user.password, new_password: composed };
    expectStatus(await user.post("/api/auth/password/change", change), "change", 204);
    expectStatus(await again(user, { password: decomposed }), "decomposed", 200);
    expectStatus(await again(user, { password: composed }), "composed", 200);
    expectStatus(await again(user, { password: `${decomposed}x` }), "wrong", 401);
  });

  it("is tried ten times in five minutes", async () => {
    const user = await newUser();
    const answers = await Promise.all(Array.from({ length: 15 }, () => again(user, { password: "wrong" })));
    const statuses = answers.map(({ status }) => status).toSorted();
    expect(statuses).toEqual([...Array(10).fill(401), ...Array(5).fill(429)]);
    const limited = await again(user, { password: user.password });
    expectStatus(limited, "the right one", 429);
    const retryAfter = limited.headers.get("retry-after");
    expect(Number(retryAfter)).toBeGreaterThan(0);
    const limits = ["limit", "remaining", "reset"].map((name) => limited.headers.get(`ratelimit-${name}`));
    expect(limits).toEqual(["10", "0", retryAfter]);
  });

  it("by another session's passkey challenge is none", async () => {
    const user = await newUser();
    const device = new Device();
    await addPasskey(user, device);
    const token = await firstStep(user);
    const { body } = await finishLogin(device.get(await requestOptions(token)), token);
    const other = { authorization: `Bearer ${body.access_token}` };
    const foreign = await user.post("/api/auth/reauthenticate/start", undefined, { headers: other });
    const own = await user.post("/api/auth/reauthenticate/start");
    expect((await again(user, { response: device.get(foreign.body) })).body.code).toBe("PASSKEY_REFUSED");
    expectStatus(await again(user, { response: device.get(own.body) }), "its own", 200);
  });
});

describe("removing second factors", () => {
  it("takes the recovery codes with the last one, and is mailed", async () => {
    const user = await newUser();
    await enableTotp(user);
    await addPasskey(user, new Device());
    expectStatus(await user.post("/api/auth/mfa/totp/disable"), "the app", 204);
    expect((await user.get("/api/auth/mfa")).body).toMatchObject({ totp: false, recovery_codes_left: 10 });
    expect((await user.post("/api/auth/mfa/totp/disable")).body.code).toBe("TOTP_NOT_ENABLED");
    expectStatus(await user.post("/api/auth/mfa/disable"), "all", 204);
    expect((await user.get("/api/auth/mfa")).body).toEqual({
      totp: false,
      passkeys: [],
      recovery_codes_left: 0,
      required: false,
    });
    expectStatus(await user.post("/api/auth/mfa/disable"), "none left", 204);
    const sql = "select 1 from mails where recipient = $1 and kind = 'factor-removed'";
    await expect.poll(() => query(sql, [user.email])).toHaveLength(2);
    expect(await auditOf("mfa.disabled", user.id)).toHaveLength(1);
    // The password alone is enough again.
    expect((await signIn(user.email, user.password)).id).toBe(user.id);
  });

  it("is not for a session that was opened by password alone before there was one", async () => {
    const user = await newUser();
    const before = await signIn(user.email, user.password);
    const { secret } = await enableTotp(user);
    expectStatus(await again(before, { password: user.password }), "the password", 200);
    for (const change of ["disable", "totp/disable", "recovery/generate", "webauthn/register/start"])
      expect((await before.post(`/api/auth/mfa/${change}`)).body.code).toBe("FACTOR_REQUIRED");
    expectStatus(await again(before, { code: codeOf(secret) }), "the factor", 200);
    expectStatus(await before.post("/api/auth/mfa/disable"), "now", 204);
  });
});

describe("deleting an endpoint securely", () => {
  const made = async (user: User) => (await holdingsOf(user)).ids.endpoint;
  const remove = (user: User, id: string) => user.delete(`/api/inference/endpoints/${id}/delete-secure`);

  it("needs a fresh password where there is no factor", async () => {
    const user = await newUser();
    const id = await made(user);
    expectStatus(await remove(await newUser(), id), "a stranger", 404);
    await letGoStale(user);
    expect((await remove(user, id)).body.code).toBe("REAUTHENTICATION_REQUIRED");
    await again(user, { password: user.password });
    expectStatus(await remove(user, id), "fresh", 204);
    expectStatus(await remove(user, id), "again", 404);
  });

  it("needs a fresh factor where there is one", async () => {
    const user = await newUser();
    const id = await made(user);
    const { secret } = await enableTotp(user);
    await letGoStale(user);
    await again(user, { password: user.password });
    expect((await remove(user, id)).body.code).toBe("FACTOR_REQUIRED");
    await again(user, { code: codeOf(secret) });
    expectStatus(await remove(user, id), "fresh", 204);
  });
});

it("a factor set up in a session protects it, and asks the next one for itself", async () => {
  const user = await newUser();
  const device = new Device();
  expect((await user.get("/api/auth/me")).body.mfa_verified).toBe(false);
  await addPasskey(user, device);
  expect((await user.get("/api/auth/me")).body).toMatchObject({ mfa_verified: true, webauthn_enabled: true });
  await expect(signIn(user.email, user.password)).rejects.toThrow();
  const token = await firstStep(user);
  expectStatus(await verifyTotp(token, "123456"), "a factor it has not", 401);
  expectStatus(await finishLogin(device.get(await requestOptions(token)), token), "its own", 200);
});
