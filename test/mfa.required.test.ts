import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Platform } from "../local/platform.ts";
import { anonymous, newUser, query, signIn, type User } from "./support/client.ts";
import { addPasskey, codeOf, Device, enableTotp, firstStep } from "./support/factors.ts";
import { startOwnPlatform } from "./support/own-platform.ts";
import { expectStatus } from "./support/refusal.ts";

const dataDir = mkdtempSync(join(tmpdir(), "myelin-mfa-"));
let platform: Platform;

beforeAll(async () => {
  const env = {
    LOG_LEVEL: "warn",
    REQUIRE_MFA: "user",
    WEBAUTHN_RP_ID: "myelin.example",
    ALLOWED_ORIGINS: "*,https://ml.myelin.example",
    RATE_LIMIT_LOGIN: "0",
    RATE_LIMIT_REGISTER: "0",
  };
  platform = await startOwnPlatform({ dataDir, env });
});
afterAll(async () => {
  await platform?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const model = (user: User) => user.post("/api/models", { name: "m", model_type: "x" });

describe("a role that demands a second factor", () => {
  it("gets nothing but its set-up before, and everything after", async () => {
    const user = await newUser(platform.url);
    for (const answer of [await user.get("/api/models"), await model(user)])
      expect([answer.status, answer.body.code]).toEqual([403, "MFA_REQUIRED"]);
    expectStatus(await user.get("/api/auth/me"), "who one is", 200);
    expect((await user.get("/api/auth/mfa")).body.required).toBe(true);
    await enableTotp(user);
    expectStatus(await model(user), "after", 201);
  });

  it("keeps its last factor, but not the one before", async () => {
    const user = await newUser(platform.url);
    await enableTotp(user);
    for (const path of ["totp/disable", "disable"]) {
      const { status, body } = await user.post(`/api/auth/mfa/${path}`);
      expect([status, body.code]).toEqual([409, "LAST_FACTOR_REQUIRED"]);
    }
    const { id } = await addPasskey(user, new Device({}, "https://ml.myelin.example"));
    expectStatus(await user.post("/api/auth/mfa/totp/disable"), "one of two", 204);
    const last = await user.delete(`/api/auth/mfa/webauthn/credentials/${id}`);
    expect([last.status, last.body.code]).toEqual([409, "LAST_FACTOR_REQUIRED"]);
    expectStatus(await model(user), "still protected", 201);
  });

  it("is let in by the second step", async () => {
    const user = await newUser(platform.url);
    const { secret } = await enableTotp(user);
    const body = { mfa_token: await firstStep(user), code: codeOf(secret) };
    expectStatus(await anonymous(platform.url).post("/api/auth/mfa/totp/verify", body), "verify", 200);
  });

  it("is not got round by a factor that was shown, and removed before the role came", async () => {
    const user = await newUser(platform.url);
    const become = (role: string) =>
      query("update users set role = $2 where id = $1", [user.id, role], platform.databaseUrl);
    await enableTotp(user);
    await become("viewer");
    expectStatus(await user.post("/api/auth/mfa/totp/disable"), "while nothing demands it", 204);
    expectStatus(await user.get("/api/models"), "nor is it needed", 200);
    await become("user");
    for (const answer of [await user.get("/api/models"), await model(user)])
      expect([answer.status, answer.body.code]).toEqual([403, "MFA_REQUIRED"]);
    await enableTotp(user);
    expectStatus(await model(user), "with a new one", 201);
  });

  it("leaves other roles alone", async () => {
    const admin = await signIn("admin@myelin.local", platform.adminPassword(), platform.url);
    expectStatus(await admin.get("/api/models"), "an administrator", 200);
    expect((await admin.get("/api/auth/mfa")).body.required).toBe(false);
  });
});

describe("passkeys for a domain of its own", () => {
  it("are made for it, from its pages and no others, whatever `*` allows", async () => {
    const user = await newUser(platform.url);
    const start = async () => (await user.post("/api/auth/mfa/webauthn/register/start")).body;
    const options = await start();
    expect(options.rp.id).toBe("myelin.example");
    const finish = (response: unknown) => user.post("/api/auth/mfa/webauthn/register/finish", { response });
    const elsewhere = new Device({}, "https://other.myelin.example").create(options);
    expect((await finish(elsewhere)).body.code).toBe("PASSKEY_NOT_VERIFIED");
    const own = new Device({}, "https://ml.myelin.example").create(await start());
    expectStatus(await finish(own), "its own", 200);
  });
});

it("counts second-factor requests by address: ten a minute", async () => {
  const nobody = anonymous(platform.url);
  const start = () => nobody.post("/api/auth/mfa/webauthn/authenticate/start", {});
  const answers = await Promise.all(Array.from({ length: 40 }, start));
  const refused = answers.filter(({ status }) => status === 429);
  // A minute of the clock may end in between.
  expect(answers.length - refused.length).toBeLessThanOrEqual(20);
  expect(refused[0]!.headers.get("ratelimit-limit")).toBe("10");
});
