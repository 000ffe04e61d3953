import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Platform } from "../local/platform.ts";
import { type Answer, anonymous, signIn } from "./support/client.ts";
import { startOwnPlatform } from "./support/own-platform.ts";
import { expectRefusal } from "./support/refusal.ts";
import { hasRedis, startUpstash, type Upstash } from "./support/upstash.ts";

const folder = mkdtempSync(join(tmpdir(), "myelin-limits-"));
const start = (name: string, env: Record<string, string>) =>
  startOwnPlatform({ dataDir: join(folder, name), env: { LOG_LEVEL: "warn", ...env } });

let plain: Platform;
let crowded: Platform;
let proxied: Platform;
let upstash: Upstash | undefined;

beforeAll(async () => {
  upstash = hasRedis ? await startUpstash() : undefined;
  const redis = upstash && {
    UPSTASH_REDIS_REST_URL: upstash.url,
    UPSTASH_REDIS_REST_TOKEN: upstash.token,
  };
  [plain, crowded, proxied] = await Promise.all([
    start("plain", { RATE_LIMIT_REFRESH: "0" }),
    start("crowded", { RATE_LIMIT_API: "40", TRUSTED_HOPS: "1" }),
    start("proxied", { TRUSTED_HOPS: "1", RATE_LIMIT_LOGIN: "5", ...redis }),
  ]);
});
afterAll(async () => {
  await Promise.all([plain?.stop(), crowded?.stop(), proxied?.stop(), upstash?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

const post = (platform: Platform, verb: string, body: unknown, headers: Record<string, string> = {}) =>
  anonymous(platform.url).post(`/api/auth/${verb}`, body as Record<string, unknown>, { headers });
const nobody = () => ({ email: `${randomUUID()}@example.com`, password: "wrong" });
const login = (platform: Platform, headers?: Record<string, string>) =>
  post(platform, "login", nobody(), headers);

function statuses(answers: Answer[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

const limitHeaders = ({ headers }: Answer) =>
  ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map((name) => headers.get(name));

/** The limits run by the minute of the clock: none may end in the midst of a test. */
async function clearOfTheMinute(): Promise<void> {
  const left = 60_000 - (Date.now() % 60_000);
  if (left < 6_000) await new Promise((resolve) => setTimeout(resolve, left + 50));
}

describe("the default limits", () => {
  it("say on every answer what is left", async () => {
    await clearOfTheMinute();
    const account = { email: `${randomUUID()}@example.com`, name: "Ada", password: "correct horse battery" };
    const registered = await post(plain, "register", account);
    expect([registered.status, ...limitHeaders(registered)]).toEqual([201, "10", "9", expect.any(String)]);
    const signedIn = await post(plain, "login", account);
    expect([signedIn.status, ...limitHeaders(signedIn)]).toEqual([200, "10", "9", expect.any(String)]);
    const refused = await login(plain);
    expect([refused.status, ...limitHeaders(refused)]).toEqual([401, "10", "8", expect.any(String)]);
    const invalid = await post(plain, "login", { email: 1 });
    expect([invalid.status, ...limitHeaders(invalid)]).toEqual([422, "10", "7", expect.any(String)]);
    const reset = Number(invalid.headers.get("ratelimit-reset"));
    expect([reset >= 1, reset <= 60]).toEqual([true, true]);
    expect(limitHeaders(await anonymous(plain.url).get("/api/auth/me"))).toEqual([null, null, null]);
  });

  it("let 10 sign-ins a minute through, of 50 at once those that are left", async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => login(plain)));
    expect(statuses(answers)).toEqual({ 401: 7, 429: 43 });
    const refused = answers.find(({ status }) => status === 429)!;
    expectRefusal(refused, "login");
    expect(refused.body).toMatchObject({ code: "RATE_LIMITED", details: { limit: 10 } });
    const retryAfter = Number(refused.headers.get("retry-after"));
    expect(retryAfter).toBe(refused.body.details.retry_after);
    expect([retryAfter >= 1, retryAfter <= 60]).toEqual([true, true]);
    expect(limitHeaders(refused).slice(0, 2)).toEqual(["10", "0"]);
  });

  it("are no way round for whoever forges where a request comes from", async () => {
    for (let i = 1; i <= 5; i++) {
      const forged = `198.51.100.${i}`;
      const tries: Record<string, string>[] = [
        { "x-forwarded-for": forged },
        { "x-forwarded-for": `${forged}, 127.0.0.1` },
        { "cf-connecting-ip": forged },
        { "cf-connecting-ipv6": `2001:db8::${i}` },
        { "mf-cf-blob": JSON.stringify({ clientIp: `${forged}:1234` }) },
        { "x-real-ip": forged, "true-client-ip": forged, "x-client-ip": forged },
        { forwarded: `for=${forged}` },
      ];
      for (const headers of tries)
        expect([headers, (await login(plain, headers)).status]).toEqual([headers, 429]);
    }
  });

  it("count a registration apart from a sign-in, and what is no valid body too", async () => {
    const answers = [];
    const type = { "content-type": "application/json" };
    for (let i = 0; i < 12; i++)
      answers.push((await post(plain, "register", i % 2 ? "{" : { name: i }, type)).status);
    expect(answers.slice(0, 9).every((status) => status === 400 || status === 422)).toBe(true);
    expect(answers.slice(9)).toEqual([429, 429, 429]);
  });

  it("can be lifted", async () => {
    const calls = Array.from({ length: 40 }, () => post(plain, "refresh", { refresh_token: "x" }));
    const answers = await Promise.all(calls);
    expect(statuses(answers)).toEqual({ 401: 40 });
    expect(limitHeaders(answers[0]!)).toEqual([null, null, null]);
  });
});

describe("the limit on everything", () => {
  it("lets an address make its number of calls of any kind a minute, agents apart", async () => {
    await clearOfTheMinute();
    const call = (address: string, path: string, headers = {}) =>
      anonymous(crowded.url).get(path, { headers: { "x-forwarded-for": address, ...headers } });
    const paths = ["/health", "/api/models", "/nowhere", "/docs"];
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) => call("203.0.113.7", paths[i % paths.length]!)),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(20);
    expectRefusal(refused[0]!, "any call");
    expect(limitHeaders(refused[0]!)).toEqual(["40", "0", expect.any(String)]);
    expect(refused[0]!.headers.get("retry-after")).toBe(refused[0]!.headers.get("ratelimit-reset"));
    expect((await call("203.0.113.8", "/health")).status).toBe(200);
    // Calling oneself an agent is not enough.
    const claimed = await call("203.0.113.7", "/api/models", { "x-ic-token": `ic_${randomUUID()}` });
    expect(claimed.status).toBe(429);
    const root = await signIn("admin@myelin.local", crowded.adminPassword(), crowded.url);
    const { token } = (await root.post("/api/agents", { name: "busy" })).body;
    const beat = { name: "busy", capabilities: [], running: [] };
    const beats = await Promise.all(
      Array.from({ length: 60 }, () =>
        anonymous(crowded.url).post("/api/training/leases", beat, {
          headers: { "x-forwarded-for": "203.0.113.7", "x-ic-token": token },
        }),
      ),
    );
    expect(beats.filter(({ status }) => status === 429)).toEqual([]);
  });
});

describe("no call escapes the limit on everything", () => {
  const flood = async (address: string, headers: Record<string, string>) => {
    await clearOfTheMinute();
    const call = () =>
      anonymous(crowded.url).get("/api/models", { headers: { "x-forwarded-for": address, ...headers } });
    return statuses(await Promise.all(Array.from({ length: 60 }, call)));
  };
  const agent = `ic_${randomUUID()}`;

  it.each<[string, string, Record<string, string>, number]>([
    ["contradicting credentials", "203.0.113.21", { "x-ic-token": "a", authorization: "Bearer b" }, 400],
    [
      "contradicting credentials, one like an agent's",
      "203.0.113.22",
      { "x-ic-token": agent, authorization: "Bearer b" },
      400,
    ],
    ["an unknown agent's token", "203.0.113.23", { "x-ic-token": agent }, 401],
    ["an agent's header with garbage", "203.0.113.24", { "x-ic-token": "a" }, 401],
  ])("by %s", async (_, address, headers, status) => {
    expect(await flood(address, headers)).toEqual({ [status]: 40, 429: 20 });
  });
});

describe.skipIf(!hasRedis)("behind a proxy, counted in Redis", () => {
  const from = (forwarded: string) => login(proxied, { "x-forwarded-for": forwarded });

  it("every address the proxy names has a count of its own, whatever it was told", async () => {
    await clearOfTheMinute();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => from(`1.1.1.${i}, 203.0.113.1`)));
    expect(statuses(answers)).toEqual({ 401: 5, 429: 15 });
    expect((await from("203.0.113.2")).status).toBe(401);
    const keys = (await upstash!.command("KEYS", "*")) as string[];
    expect(keys.map((key) => key.replace(/:\d+$/, "")).toSorted()).toEqual([
      "myelin:limit:login:203.0.113.1",
      "myelin:limit:login:203.0.113.2",
    ]);
  });

  it("goes on limiting when Redis is gone, and never breaks", async () => {
    await upstash!.killRedis();
    const answers = await Promise.all(Array.from({ length: 20 }, () => from("203.0.113.3")));
    expect(statuses(answers)).toEqual({ 401: 5, 429: 15 });
    expect(limitHeaders(answers[0]!)[0]).toBe("5");
    const log = () => readFileSync(join(proxied.dataDir, "logs", "worker.log"), "utf8");
    await expect.poll(log).toContain("limiter.store_failed");
  });
});
