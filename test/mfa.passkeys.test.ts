import { randomUUID } from "node:crypto";
import { describe, expect, inject, it } from "vitest";
import { Client, newUser, query, type User } from "./support/client.ts";
import {
  addPasskey,
  codeOf,
  creationOptions,
  Device,
  enableTotp,
  finishLogin,
  finishRegistration,
  firstStep,
  requestOptions,
  verifyTotp,
  WITHOUT_PIN,
} from "./support/factors.ts";
import { expectStatus } from "./support/refusal.ts";

const list = async (user: User) => (await user.get("/api/auth/mfa/webauthn/credentials")).body;
const path = (id: string) => `/api/auth/mfa/webauthn/credentials/${id}`;
const methodsOf = async (accessToken: string) => {
  const client = new Client(inject("url"), { authorization: `Bearer ${accessToken}` });
  return (await client.get("/api/auth/sessions")).body.find((session: any) => session.current).methods;
};

describe("a passkey", () => {
  it("is offered as browsers want it", async () => {
    const user = await newUser();
    const options = await creationOptions(user);
    expect(options).toMatchObject({
      challenge: expect.stringMatching(/^[\w-]{43}$/),
      rp: { id: "localhost", name: "Myelin" },
      user: { id: expect.any(String), name: user.email, displayName: "Test" },
      pubKeyCredParams: [-8, -7, -257].map((alg) => ({ alg, type: "public-key" })),
      timeout: 300_000,
      excludeCredentials: [],
      authenticatorSelection: { residentKey: "preferred", userVerification: "preferred" },
      attestation: "none",
    });
    const device = new Device();
    const created = device.create(options);
    await finishRegistration(user, created);
    const next = await creationOptions(user);
    expect(next.excludeCredentials.map(({ id }: any) => id)).toEqual([created.id]);
    expect(next.user.id).toBe(options.user.id);
    expect(next.challenge).not.toBe(options.challenge);
  });

  it("brings recovery codes when it is the first factor, and only then", async () => {
    const user = await newUser();
    const first = await addPasskey(user, new Device(), "  Laptop ");
    expect(first).toMatchObject({ name: "Laptop", formatted: expect.stringContaining("10. ") });
    expect(first.codes).toHaveLength(10);
    const second = await addPasskey(user, new Device());
    expect(second).toEqual({ id: expect.any(String), name: "Passkey" });
    expect((await user.get("/api/auth/mfa")).body).toMatchObject({
      totp: false,
      passkeys: [{ id: first.id }, { id: second.id }],
      recovery_codes_left: 10,
      required: false,
    });
  });

  it("is listed, renamed and removed, by its owner only", async () => {
    const [user, stranger] = await Promise.all([newUser(), newUser()]);
    const { id } = await addPasskey(user, new Device(), "Old");
    expect(await list(user)).toEqual([
      {
        id,
        name: "Old",
        transports: expect.any(Array),
        backed_up: expect.any(Boolean),
        created_at: expect.any(String),
        last_used_at: null,
      },
    ]);
    expectStatus(await stranger.put(path(id), { name: "Mine" }), "another's rename", 404);
    expectStatus(await stranger.delete(path(id)), "another's removal", 404);
    expect(await list(stranger)).toEqual([]);
    expect((await user.put(path(id), { name: " New " })).body.name).toBe("New");
    expectStatus(await user.put(path(id), { name: " " }), "no name", 422);
    expectStatus(await user.delete(path(id)), "removal", 204);
    expect(await list(user)).toEqual([]);
    expectStatus(await user.delete(path(id)), "again", 404);
    expect((await user.get("/api/auth/mfa")).body.recovery_codes_left).toBe(0);
    const told = async () =>
      (await query("select kind from mails where recipient = $1 order by kind", [user.email])).map(
        ({ kind }) => kind,
      );
    await expect.poll(told).toEqual(["factor-added", "factor-removed"]);
  });

  it("that was removed opens nothing", async () => {
    const user = await newUser();
    const device = new Device();
    const { id } = await addPasskey(user, device);
    const options = await requestOptions();
    await user.delete(path(id));
    expect((await finishLogin(device.get(options))).body.code).toBe("PASSKEY_REFUSED");
  });

  it("cannot be registered twice, by nobody", async () => {
    const [user, other] = await Promise.all([newUser(), newUser()]);
    const device = new Device();
    const created = device.create(await creationOptions(user));
    expectStatus(await finishRegistration(user, created), "first", 200);
    // The same credential, answering a challenge of its own: only its id gives it away.
    for (const client of [user, other]) {
      const { challenge } = await creationOptions(client);
      const clientData = JSON.parse(Buffer.from(created.response.clientDataJSON, "base64url").toString());
      const clientDataJSON = Buffer.from(JSON.stringify({ ...clientData, challenge })).toString("base64url");
      const copy = { ...created, response: { ...created.response, clientDataJSON } };
      const answer = await finishRegistration(client, copy);
      expect([answer.status, answer.body.code]).toEqual([409, "PASSKEY_EXISTS"]);
    }
  });

  it("of one account cannot be more than twenty", async () => {
    const user = await newUser();
    for (let i = 0; i < 20; i++) await addPasskey(user, new Device());
    const { status, body } = await user.post("/api/auth/mfa/webauthn/register/start");
    expect([status, body.code]).toEqual([409, "TOO_MANY_PASSKEYS"]);
  });
});

describe("signing in by a passkey", () => {
  it("as the second step, named among the account's own", async () => {
    const user = await newUser();
    const device = new Device();
    await addPasskey(user, device);
    const token = await firstStep(user);
    const options = await requestOptions(token);
    expect(options).toMatchObject({ rpId: "localhost", userVerification: "preferred", timeout: 300_000 });
    expect(options.allowCredentials).toHaveLength(1);
    const { status, body } = await finishLogin(device.get(options), token);
    expect(status).toBe(200);
    expect(body.user).toMatchObject({ id: user.id, mfa_verified: true });
    expect(await methodsOf(body.access_token)).toEqual(["password", "passkey"]);
    expect((await list(user))[0].last_used_at).toEqual(expect.any(String));
  });

  it("as the second step without user verification", async () => {
    const user = await newUser();
    const device = new Device(WITHOUT_PIN);
    await addPasskey(user, device);
    const token = await firstStep(user);
    expectStatus(await finishLogin(device.get(await requestOptions(token)), token), "second step", 200);
  });

  it("alone, as both factors", async () => {
    const user = await newUser();
    const device = new Device();
    await addPasskey(user, device);
    const options = await requestOptions();
    expect(options).toMatchObject({ rpId: "localhost", userVerification: "required" });
    expect(options.allowCredentials ?? []).toEqual([]);
    const { status, body } = await finishLogin(device.get(options));
    expect([status, body.user?.id, body.user?.mfa_verified]).toEqual([200, user.id, true]);
    expect(await methodsOf(body.access_token)).toEqual(["passkey"]);
  });

  it("several times: the counter goes on", async () => {
    const user = await newUser();
    const device = new Device();
    await addPasskey(user, device);
    for (let i = 0; i < 3; i++)
      expectStatus(await finishLogin(device.get(await requestOptions())), `use ${i}`, 200);
  });

  it("with an authenticator that does not count at all", async () => {
    const user = await newUser();
    const device = new Device({ signCounterIncrement: 0 });
    await addPasskey(user, device);
    for (let i = 0; i < 2; i++)
      expectStatus(await finishLogin(device.get(await requestOptions())), `use ${i}`, 200);
  });

  it("beside an authenticator app: either will do", async () => {
    const user = await newUser();
    const device = new Device();
    const { secret } = await enableTotp(user);
    await addPasskey(user, device);
    const { email, password } = user;
    const { body } = await new Client(user.url).post("/api/auth/login", { email, password });
    expect(body.mfa_methods).toEqual(["totp", "webauthn", "recovery"]);
    expectStatus(await verifyTotp(body.mfa_token, codeOf(secret)), "the app", 200);
    const token = await firstStep(user);
    expectStatus(await finishLogin(device.get(await requestOptions(token)), token), "the passkey", 200);
  });

  it("is not offered where there is none, nor with a dead step", async () => {
    const user = await newUser();
    await enableTotp(user);
    const start = (mfa_token: string) =>
      new Client(user.url).post("/api/auth/mfa/webauthn/authenticate/start", { mfa_token });
    expect((await start(await firstStep(user))).body.code).toBe("NO_PASSKEY");
    expect((await start(randomUUID())).body.code).toBe("MFA_TOKEN_INVALID");
  });

  it.each([
    ["suspended_at = now()", "ACCOUNT_SUSPENDED"],
    ["approved_at = null", "AWAITING_APPROVAL"],
  ])("does not let in an account with %s", async (change, code) => {
    const user = await newUser();
    const device = new Device();
    await addPasskey(user, device);
    await query(`update users set ${change} where id = $1`, [user.id]);
    const { status, body } = await finishLogin(device.get(await requestOptions()));
    expect([status, body.code]).toEqual([403, code]);
  });
});
