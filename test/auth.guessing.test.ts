import { randomUUID } from "node:crypto";
import { describe, expect, inject, it } from "vitest";
import { type Answer, anonymous, query } from "./support/client.ts";
import { expectStatus } from "./support/refusal.ts";

const { url, databaseUrl } = inject("guarded");
const nobody = anonymous(url);
const someAddress = () => [10, ...crypto.getRandomValues(new Uint8Array(3))].join(".");

interface Person {
  email: string;
  password: string;
}

/** Somebody with an account who last signed in from `home`. */
async function person(home = someAddress()): Promise<Person & { home: string }> {
  const known = { email: `${randomUUID()}@example.com`, password: `pass-${randomUUID()}` };
  await nobody.post("/api/auth/register", { ...known, name: "Test" });
  await query(
    "update users set email_verified_at = now(), approved_at = now() where email = $1",
    [known.email],
    databaseUrl,
  );
  expectStatus(await attempt(known, known.password, home), "the first sign-in", 200);
  return { ...known, home };
}

const attempt = ({ email }: { email: string }, password: string, address = someAddress()): Promise<Answer> =>
  nobody.from(address).post("/api/auth/login", { email, password });

const limitHeaders = ({ headers }: Answer) =>
  ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map((name) => headers.get(name));

const codes = (answers: Answer[]) => {
  const counts: Record<string, number> = {};
  for (const { body } of answers) counts[body.code ?? "ok"] = (counts[body.code ?? "ok"] ?? 0) + 1;
  return counts;
};

describe("credential stuffing", () => {
  it("of one account from a hundred addresses at once gets ten guesses", async () => {
    const victim = await person();
    const answers = await Promise.all(Array.from({ length: 40 }, () => attempt(victim, randomUUID())));
    expect(codes(answers)).toEqual({ INVALID_CREDENTIALS: 10, TOO_MANY_ATTEMPTS: 30 });
    const refused = answers.find(({ status }) => status === 429)!;
    const retryAfter = refused.headers.get("retry-after");
    expect(Number(retryAfter)).toBeGreaterThan(50);
    expect(refused.body.details).toEqual({ limit: 10, retry_after: Number(retryAfter) });
    expect(limitHeaders(refused)).toEqual(["10", "0", retryAfter]);
    const right = await attempt(victim, victim.password);
    expect([right.status, right.body.code]).toEqual([429, "TOO_MANY_ATTEMPTS"]);
  });

  it("does not lock the owner out where they signed in before", async () => {
    const victim = await person();
    await Promise.all(Array.from({ length: 15 }, () => attempt(victim, randomUUID())));
    expectStatus(await attempt(victim, victim.password, victim.home), "at home", 200);
  });

  it("does not lock the owner out whose address changes within their network of IPv6, but the neighbours", async () => {
    const group = () => Math.floor(Math.random() * 65_536).toString(16);
    const site = `2001:db8:${group()}`;
    const victim = await person(`${site}:1::${group()}`);
    const guess = () => attempt(victim, randomUUID(), `${site}:2::${group()}`);
    await Promise.all(Array.from({ length: 15 }, guess));
    const next = await attempt(victim, victim.password, `${site}:2::1`);
    expect([next.status, next.body.code]).toEqual([429, "TOO_MANY_ATTEMPTS"]);
    const today = await attempt(victim, victim.password, `${site}:1:${group()}:${group()}:${group()}:1`);
    expectStatus(today, "at home", 200);
  });

  it("is answered alike for an address nobody has", async () => {
    const nobodys = { email: `${randomUUID()}@example.com` };
    const answers = await Promise.all(Array.from({ length: 15 }, () => attempt(nobodys, randomUUID())));
    expect(codes(answers)).toEqual({ INVALID_CREDENTIALS: 10, TOO_MANY_ATTEMPTS: 5 });
  });

  it("locks for longer each time, never for good, and attempts meanwhile do not lengthen it", async () => {
    const victim = await person();
    const key = `encode(sha256(convert_to('login:${victim.email}', 'utf8')), 'hex')`;
    const lock = async () => {
      const [row] = await query(
        `select extract(epoch from locked_until - now())::int as left from lockouts where key = ${key}`,
        [],
        databaseUrl,
      );
      return row?.left as number;
    };
    const guess = (count: number) => Promise.all(Array.from({ length: count }, () => attempt(victim, "x")));
    const lengths: number[] = [];
    for (let round = 0; round < 6; round++) {
      await guess(12);
      lengths.push(Math.round((await lock()) / 60));
      const before = await lock();
      await guess(5);
      expect(await lock()).toBeLessThanOrEqual(before);
      await query(`update lockouts set locked_until = now() where key = ${key}`, [], databaseUrl);
    }
    expect(lengths).toEqual([1, 2, 4, 8, 15, 15]);
    expectStatus(await attempt(victim, victim.password), "after the lock", 200);
    expect(await lock()).toBeUndefined();
  });

  it("cannot choose its address: what a client says of itself before the proxy's word counts for nothing", async () => {
    const victim = await person();
    await Promise.all(Array.from({ length: 12 }, () => attempt(victim, "x")));
    const spoofed = await nobody
      .from(`${victim.home}, ${someAddress()}`)
      .post("/api/auth/login", { email: victim.email, password: victim.password });
    expect(spoofed.body.code).toBe("TOO_MANY_ATTEMPTS");
    const headers = {
      "cf-connecting-ip": victim.home,
      "x-real-ip": victim.home,
      forwarded: `for=${victim.home}`,
    };
    const other = await nobody
      .from(someAddress())
      .post("/api/auth/login", { email: victim.email, password: victim.password }, { headers });
    expect(other.body.code).toBe("TOO_MANY_ATTEMPTS");
  });
});
