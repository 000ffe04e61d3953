import { randomUUID } from "node:crypto";
import { describe, expect, inject, it } from "vitest";
import { type Answer, anonymous, query, signIn } from "./support/client.ts";
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

describe("whether an address has an account", () => {
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

  /** Times both kinds in turn, so that whatever else the machine does hits both alike. */
  async function compare(known: () => Promise<Answer>, unknown: () => Promise<Answer>, rounds = 40) {
    const times: [number[], number[]] = [[], []];
    const texts: [Set<string>, Set<string>] = [new Set(), new Set()];
    for (let i = 0; i < rounds; i++) {
      for (const kind of i % 2 ? ([0, 1] as const) : ([1, 0] as const)) {
        const started = performance.now();
        const { status, body } = await [known, unknown][kind]!();
        times[kind].push(performance.now() - started);
        texts[kind].add(JSON.stringify([status, { ...body, request_id: "" }]));
      }
    }
    return { texts, times: times.map(median) as [number, number] };
  }

  /** Half of one password hash (some 25 ms), which is what an answer that skips the hash would save. */
  const BOUND_MS = 12;

  it("is told neither by the text nor by the time of a refused login", async () => {
    const people = await Promise.all(Array.from({ length: 8 }, () => person()));
    let i = 0;
    const { texts, times } = await compare(
      () => attempt(people[i++ % people.length]!, "wrong password"),
      () => attempt({ email: `${randomUUID()}@example.com` }, "wrong password"),
    );
    expect([...texts[0]]).toEqual([...texts[1]]);
    expect(Math.abs(times[0] - times[1])).toBeLessThan(BOUND_MS);
  });

  it("is told neither by the text nor by the time of registering", async () => {
    const { email } = await person();
    const register = (address: string) =>
      nobody
        .from(someAddress())
        .post("/api/auth/register", { email: address, name: "Test", password: `pass-${randomUUID()}` });
    const { texts, times } = await compare(
      () => register(email),
      () => register(`${randomUUID()}@example.com`),
      24,
    );
    expect([...texts[0]]).toEqual([...texts[1]]);
    expect(Math.abs(times[0] - times[1])).toBeLessThan(BOUND_MS);
  });

  it("is told neither by the text nor by the time of asking for a new password", async () => {
    const people = await Promise.all(Array.from({ length: 8 }, () => person()));
    let i = 0;
    const forgot = (email: string) => nobody.from(someAddress()).post("/api/auth/password/forgot", { email });
    const { texts, times } = await compare(
      () => forgot(people[i++ % people.length]!.email),
      () => forgot(`${randomUUID()}@example.com`),
    );
    expect([...texts[0]]).toEqual([...texts[1]]);
    expect(Math.abs(times[0] - times[1])).toBeLessThan(BOUND_MS);
  });

  it("is told by the account's own state only to whoever has the password", async () => {
    const known = await person();
    await query("update users set suspended_at = now() where email = $1", [known.email], databaseUrl);
    expect((await attempt(known, "wrong")).body.code).toBe("INVALID_CREDENTIALS");
    expect((await attempt(known, known.password)).body.code).toBe("ACCOUNT_SUSPENDED");
    await expect(signIn(known.email, known.password, url)).rejects.toThrow("ACCOUNT_SUSPENDED");
  });
});
