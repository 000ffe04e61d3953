import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasRedis, startUpstash, type Upstash } from "#test/upstash";
import { type SmallWorker, startSmallWorker } from "#test/workerd";
import type { Limiter, LimitReply, LimitRule } from "../kernel/ports/limiter.ts";

/** Both limiters, where they are used: in workerd. */
const SOURCE = `
import { createDurableLimiter } from "./src/adapters/durable.ts";
import { createUpstashLimiter } from "./src/adapters/upstash.ts";
import { createRateWindow } from "./src/features/limits/index.ts";
export class RateWindow extends createRateWindow() {
  counts() { return this.ctx.storage.kv.get("counts") ?? null; }
}
export default { async fetch(request, env) {
  const url = new URL(request.url);
  const own = env.RATE_WINDOW.getByName("own");
  if (url.pathname === "/counts") return Response.json(await own.counts());
  const limiter = url.pathname === "/upstash"
    ? createUpstashLimiter({ url: env.REDIS_URL, token: env.REDIS_TOKEN })
    : url.pathname === "/own" ? own : createDurableLimiter(env.RATE_WINDOW);
  const calls = await request.json();
  return Response.json(await Promise.all(calls.map(({ key, rule }) => limiter.take(key, rule))));
} };`;

let worker: SmallWorker;
let upstash: Upstash | undefined;

const start = (folder?: string) =>
  startSmallWorker(SOURCE, {
    bindings: { REDIS_URL: upstash?.url ?? "", REDIS_TOKEN: upstash?.token ?? "" },
    durableObjects: { RATE_WINDOW: { className: "RateWindow", useSQLite: true } },
    ...(folder !== undefined && { resourcePersistencePath: folder }),
  });

beforeAll(async () => {
  upstash = hasRedis ? await startUpstash() : undefined;
  worker = await start();
});
afterAll(async () => {
  await worker?.stop();
  await upstash?.stop();
});

type Call = { key: string; rule: LimitRule };

async function takeAll(path: string, calls: Call[], asked = worker): Promise<LimitReply[]> {
  const response = await asked.fetch(path, { method: "POST", body: JSON.stringify(calls) });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as LimitReply[];
}

/** Sleeps until so much of the next window has passed. */
async function intoWindow({ windowSeconds }: LimitRule, share: number): Promise<void> {
  const windowMs = windowSeconds * 1000;
  const left = windowMs - (Date.now() % windowMs);
  await new Promise((resolve) => setTimeout(resolve, left + share * windowMs));
}

const allowedOf = (replies: LimitReply[]) => replies.filter((reply) => reply.allowed).length;
const HOUR = 3_600;
let keys = 0;
const newKey = () => `test:${keys++}`;

const LIMITERS: [name: string, path: string, there: boolean][] = [
  ["the Durable Object's limiter", "/durable", true],
  ["Upstash's limiter", "/upstash", hasRedis],
];

describe.concurrent("limiters", () => {
  for (const [name, path, there] of LIMITERS) {
    describe.skipIf(!there)(name, () => {
      const take: Limiter["take"] = async (key, rule) => (await takeAll(path, [{ key, rule }]))[0]!;

      it("allows up to the limit, counting down, and refuses the next", async ({ expect }) => {
        const rule = { limit: 3, windowSeconds: HOUR };
        const key = newKey();
        const replies = [];
        for (let i = 0; i < 5; i++) replies.push(await take(key, rule));
        expect(replies.map((reply) => reply.allowed)).toEqual([true, true, true, false, false]);
        expect(replies.map((reply) => reply.remaining)).toEqual([2, 1, 0, 0, 0]);
        for (const { limit, resetSeconds } of replies) {
          expect(limit).toBe(3);
          expect(resetSeconds).toBeGreaterThanOrEqual(1);
          expect(resetSeconds).toBeLessThanOrEqual(HOUR);
          expect(Number.isInteger(resetSeconds)).toBe(true);
        }
      });

      it("lets exactly 10 of 50 at once through", async ({ expect }) => {
        const calls = Array.from({ length: 50 }, (_, i) => ({ rule: { limit: 10, windowSeconds: HOUR }, i }));
        const key = newKey();
        // Half in one request, half each in its own.
        const [together, ...apart] = await Promise.all([
          takeAll(
            path,
            calls.slice(0, 25).map(({ rule }) => ({ key, rule })),
          ),
          ...calls.slice(25).map(({ rule }) => take(key, rule)),
        ]);
        expect(allowedOf([...together, ...apart])).toBe(10);
      });

      it("counts every key for itself", async ({ expect }) => {
        const rule = { limit: 1, windowSeconds: HOUR };
        const calls = Array.from({ length: 100 }, () => ({ key: newKey(), rule }));
        expect(allowedOf(await takeAll(path, calls))).toBe(100);
        expect(allowedOf(await takeAll(path, calls))).toBe(0);
      });

      it("takes any text for a key", async ({ expect }) => {
        const rule = { limit: 1, windowSeconds: HOUR };
        for (const key of ["login:1.2.3.4", "login:2001:db8:0:0::/64", "ünï:☃:{x} y", "x".repeat(500)]) {
          expect([key, (await take(key, rule)).allowed]).toEqual([key, true]);
          expect([key, (await take(key, rule)).allowed]).toEqual([key, false]);
        }
      });

      it("slides: half a window later half of what was allowed weighs, and nothing of what was refused", async ({
        expect,
      }) => {
        const rule = { limit: 8, windowSeconds: 2 };
        const key = newKey();
        const calls = Array.from({ length: 20 }, () => ({ key, rule }));
        await intoWindow(rule, 0);
        const full = await takeAll(path, calls);
        expect([allowedOf(full), full.at(-1)!.resetSeconds]).toEqual([8, 2]);
        await intoWindow(rule, 0.5);
        // 8 × ½ weigh at the middle, and less with every millisecond the machine took since.
        const half = allowedOf(await takeAll(path, calls));
        expect(half).toBeGreaterThanOrEqual(4);
        expect(half).toBeLessThan(8);
      });
    });
  }

  describe("the Durable Object's limiter, for itself,", () => {
    it("writes the counts of many uses down once, keeps them over a restart, and clears up in the end", async ({
      expect,
    }) => {
      const folder = mkdtempSync(join(tmpdir(), "myelin-limits-"));
      let own = await start(folder);
      const takeOwn = (count: number) =>
        takeAll(
          "/own",
          Array.from({ length: count }, () => ({ key: "own", rule })),
          own,
        );
      const counts = async () => (await own.fetch("/counts")).json() as Promise<[string, any][] | null>;
      const rule = { limit: 300, windowSeconds: 3 };
      await intoWindow(rule, 0);
      expect(allowedOf(await takeOwn(200))).toBe(200);
      expect(await counts()).toBe(null);
      await expect.poll(counts, { timeout: 5_000 }).toHaveLength(1);
      await own.stop();
      own = await start(folder);
      expect(await counts()).toMatchObject([["own", { current: 200 }]]);
      expect(allowedOf(await takeOwn(200))).toBeLessThan(200);
      await expect.poll(counts, { timeout: 12_000 }).toBe(null);
      await own.stop();
      rmSync(folder, { recursive: true });
    });
  });
});

describe.skipIf(!hasRedis)("Upstash's limiter", () => {
  it("leaves nothing in Redis without an expiry", async () => {
    const names = (await upstash!.command("KEYS", "*")) as string[];
    expect(names.length).toBeGreaterThan(100);
    for (const name of names) {
      expect(name).toMatch(/^myelin:limit:/);
      expect(Number(await upstash!.command("PTTL", name))).toBeGreaterThan(0);
    }
  });

  it("fails when Redis is out", async () => {
    await upstash!.killRedis();
    const call = takeAll("/upstash", [{ key: newKey(), rule: { limit: 1, windowSeconds: HOUR } }]);
    await expect(call).rejects.toThrow("Redis is gone");
  });
});
