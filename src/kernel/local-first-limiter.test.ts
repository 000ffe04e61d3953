import { describe, expect, it } from "vitest";
import { LocalFirstLimiter } from "./local-first-limiter.ts";
import type { Limiter } from "./ports/limiter.ts";
import { SlidingWindows } from "./sliding-window.ts";

const RULE = { limit: 100, windowSeconds: 60 };
const START = 1_800_000_000_000;

/** Isolates that share a store, and a clock for all. */
function fleet(count: number) {
  const windows = new SlidingWindows(1_000);
  const clock = { now: START, calls: 0 };
  const store: Limiter = {
    take: async (key, rule, uses) => {
      clock.calls++;
      return windows.take(key, rule, clock.now, uses);
    },
  };
  const isolates = Array.from({ length: count }, () => new LocalFirstLimiter(store));
  const work: Promise<void>[] = [];
  const take = (isolate: number, key = "a") =>
    isolates[isolate]!.take(key, RULE, clock.now, (promise) => work.push(promise));
  const settle = () => Promise.all(work.splice(0));
  return { clock, take, settle };
}

describe("a limit that is decided at once", () => {
  it("allows exactly its number within one isolate, with a twentieth of the calls to the store", async () => {
    const { clock, take, settle } = fleet(1);
    const replies = Array.from({ length: 150 }, () => take(0).allowed);
    await settle();
    expect(replies.filter(Boolean)).toHaveLength(100);
    expect(clock.calls).toBe(20);
  });

  it("holds across isolates but for a twentieth each", async () => {
    const { take, settle } = fleet(4);
    let allowed = 0;
    for (let i = 0; i < 400; i++) {
      if (take(i % 4).allowed) allowed++;
      await settle();
    }
    expect(allowed).toBeGreaterThanOrEqual(100);
    expect(allowed).toBeLessThanOrEqual(100 + 4 * 5);
  });

  it("says when to come back, and lets in again then", async () => {
    const { clock, take, settle } = fleet(1);
    for (let i = 0; i < 110; i++) take(0);
    await settle();
    const { allowed, resetSeconds } = take(0);
    expect([allowed, resetSeconds > 0, resetSeconds <= 60]).toEqual([false, true, true]);
    clock.now += 2 * 60_000;
    expect(take(0).allowed).toBe(true);
  });

  it("reports small change after a second", async () => {
    const { clock, take, settle } = fleet(1);
    take(0);
    expect(clock.calls).toBe(0);
    clock.now += 1_000;
    take(0);
    await settle();
    expect(clock.calls).toBe(1);
  });
});
