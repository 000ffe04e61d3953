import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LogFields } from "../kernel/log.ts";
import type { Limiter } from "../kernel/ports/limiter.ts";
import { withFallback } from "./limiter-fallback.ts";

const RULE = { limit: 3, windowSeconds: 60 };
const FROM_STORE = { allowed: true, limit: 3, remaining: 2, resetSeconds: 60 };

/** A store that does what `take` says now, and what came of it. */
function guarded(take: Limiter["take"]) {
  const store = { take: vi.fn<Limiter["take"]>(take) };
  const logged: [string, string, LogFields?][] = [];
  const limiter = withFallback(store, (...line) => logged.push(line));
  const allowed = async (count: number) => {
    const replies = await Promise.all(Array.from({ length: count }, () => limiter.take("key", RULE)));
    return replies.filter((reply) => reply.allowed).length;
  };
  return { store, logged, limiter, allowed };
}

beforeEach(() => void vi.useFakeTimers({ now: 60_000_000 }));
afterEach(() => void vi.useRealTimers());

describe("a limiter with a fallback", () => {
  it("passes the store's answers on", async () => {
    const { limiter, store, logged } = guarded(async () => FROM_STORE);
    expect(await limiter.take("key", RULE)).toBe(FROM_STORE);
    expect(store.take).toHaveBeenCalledWith("key", RULE, undefined);
    expect(logged).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("counts here while the store is out, with one line in the log", async () => {
    const { allowed, logged, store } = guarded(() => Promise.reject(new Error("gone")));
    expect(await allowed(1)).toBe(1);
    expect(await allowed(10)).toBe(2);
    expect(logged).toEqual([
      ["error", "limiter.store_failed", { error: new Error("gone"), paused_ms: 5_000 }],
    ]);
    expect(store.take).toHaveBeenCalledTimes(1);
  });

  it("asks the store again after a pause", async () => {
    const { limiter, store, allowed } = guarded(() => Promise.reject(new Error("gone")));
    await allowed(5);
    store.take.mockImplementation(async () => FROM_STORE);
    vi.advanceTimersByTime(4_999);
    expect((await limiter.take("key", RULE)).allowed).toBe(false);
    vi.advanceTimersByTime(1);
    expect(await limiter.take("key", RULE)).toBe(FROM_STORE);
  });

  it("does not wait for a store that never answers", async () => {
    const { limiter, logged } = guarded(() => new Promise(() => {}));
    const reply = limiter.take("key", RULE);
    await vi.advanceTimersByTimeAsync(2_500);
    expect(await reply).toMatchObject({ allowed: true, remaining: 2 });
    expect(logged).toHaveLength(1);
    expect(await limiter.take("key", RULE)).toMatchObject({ allowed: true, remaining: 1 });
  });

  it("survives a store that throws at once", async () => {
    const { allowed } = guarded(() => {
      throw new TypeError("no such method");
    });
    expect(await allowed(10)).toBe(3);
  });
});
