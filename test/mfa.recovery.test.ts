import { describe, expect, it } from "vitest";
import { newUser, query, type User } from "./support/client.ts";
import { codeOf, enableTotp, firstStep, letGoStale, useRecovery, verifyTotp } from "./support/factors.ts";
import { expectStatus } from "./support/refusal.ts";

async function withCodes(): Promise<{ user: User; codes: string[]; secret: string }> {
  const user = await newUser();
  return { user, ...(await enableTotp(user)) };
}
const left = async (user: User) => (await user.get("/api/auth/mfa")).body.recovery_codes_left;

describe("recovery codes", () => {
  it("have 80 bits in letters that cannot be mistaken, and are stored as hashes", async () => {
    const { user, codes } = await withCodes();
    for (const code of codes) expect(code).toMatch(/^(?:[A-HJ-NP-Z2-9]{4}-){3}[A-HJ-NP-Z2-9]{4}$/);
    const rows = await query("select code_hash from recovery_codes where user_id = $1", [user.id]);
    expect(rows).toHaveLength(10);
    for (const { code_hash: hash } of rows) expect(hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it("open a session, however they are typed", async () => {
    const { user, codes } = await withCodes();
    const typed = [
      codes[0]!,
      codes[1]!.toLowerCase(),
      ` ${codes[2]!.replaceAll("-", " ")} `,
      codes[3]!.replaceAll("-", ""),
    ];
    for (const code of typed) {
      const { status, body } = await useRecovery(await firstStep(user), code);
      expect([code, status, body.user?.mfa_verified]).toEqual([code, 200, true]);
    }
    expect(await left(user)).toBe(6);
  });

  it("are mailed about when one is used", async () => {
    const { user, codes } = await withCodes();
    await useRecovery(await firstStep(user), codes[0]!);
    const kinds = async () =>
      (await query("select kind from mails where recipient = $1", [user.email])).map(({ kind }) => kind);
    await expect.poll(kinds).toEqual(expect.arrayContaining(["factor-added", "recovery-used"]));
  });

  it("of another account open nothing", async () => {
    const [mine, theirs] = await Promise.all([withCodes(), withCodes()]);
    const token = await firstStep(theirs.user);
    expect((await useRecovery(token, mine.codes[0]!)).body.code).toBe("INVALID_MFA_CODE");
  });

  it("are tried five times a step", async () => {
    const { user, codes } = await withCodes();
    const token = await firstStep(user);
    for (const code of ["x", "00000-00000", "AAAA-AAAA-AAAA-AAAA", "🧠", "'"])
      expectStatus(await useRecovery(token, code), code, 401);
    expect((await useRecovery(token, codes[0]!)).body.code).toBe("MFA_TOKEN_INVALID");
  });
});

describe("recovery code double spend", () => {
  it("one after the other is refused", async () => {
    const { user, codes } = await withCodes();
    expectStatus(await useRecovery(await firstStep(user), codes[0]!), "first", 200);
    expectStatus(await useRecovery(await firstStep(user), codes[0]!), "second", 401);
  });

  it("by nine at once opens one session", async () => {
    const { user, codes } = await withCodes();
    const steps = await Promise.all(Array.from({ length: 9 }, () => firstStep(user)));
    const answers = await Promise.all(steps.map((step) => useRecovery(step, codes[0]!)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(8).fill(401)]);
    expect(await left(user)).toBe(9);
  });
});

describe("regenerating", () => {
  const generate = (user: User) => user.post("/api/auth/mfa/recovery/generate");

  it("replaces all codes and is mailed", async () => {
    const { user, codes } = await withCodes();
    const { status, body } = await generate(user);
    expect([status, body.codes.length]).toEqual([200, 10]);
    expectStatus(await useRecovery(await firstStep(user), codes[0]!), "an old one", 401);
    expectStatus(await useRecovery(await firstStep(user), body.codes[9]), "a new one", 200);
    const sql = "select 1 from mails where recipient = $1 and kind = 'recovery-regenerated'";
    await expect.poll(() => query(sql, [user.email])).toHaveLength(1);
  });

  it("is no GET, needs a fresh session and a second factor to stand in for", async () => {
    const { user } = await withCodes();
    expectStatus(await user.get("/api/auth/mfa/recovery/generate"), "GET", 405);
    await letGoStale(user);
    expect((await generate(user)).body.code).toBe("REAUTHENTICATION_REQUIRED");
    expect(await left(user)).toBe(10);
    expect((await generate(await newUser())).body.code).toBe("NO_SECOND_FACTOR");
  });

  it("does not happen by itself when another factor is added", async () => {
    const { user, codes, secret } = await withCodes();
    await user.post("/api/auth/mfa/totp/disable");
    expect(await left(user)).toBe(0);
    const again = await enableTotp(user);
    expect(again.codes).toHaveLength(10);
    expectStatus(await useRecovery(await firstStep(user), codes[0]!), "of before", 401);
    expectStatus(await verifyTotp(await firstStep(user), codeOf(secret)), "the old app", 401);
    expectStatus(await verifyTotp(await firstStep(user), codeOf(again.secret)), "the new app", 200);
  });
});
