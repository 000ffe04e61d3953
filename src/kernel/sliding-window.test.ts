import { describe, expect, it } from "vitest";
import { SlidingWindows } from "./sliding-window.ts";

const RULE = { limit: 10, windowSeconds: 60 };
/** The start of a window. */
const START = 60_000 * 1_000;

const takeMany = (windows: SlidingWindows, count: number, now: number, key = "key") =>
  Array.from({ length: count }, () => windows.take(key, RULE, now)).filter((reply) => reply.allowed).length;

describe("a sliding window", () => {
  it("counts down to a refusal and says when to come back", () => {
    const windows = new SlidingWindows(10);
    expect(windows.take("key", RULE, START)).toEqual({
      allowed: true,
      limit: 10,
      remaining: 9,
      resetSeconds: 60,
    });
    expect(takeMany(windows, 20, START + 1_000)).toBe(9);
    expect(windows.take("key", RULE, START + 59_001)).toEqual({
      allowed: false,
      limit: 10,
      remaining: 0,
      resetSeconds: 1,
    });
  });

  it("lets one through once the seconds it said are over", () => {
    for (const at of [0, 1, 29_999, 30_000, 59_000, 59_999]) {
      const windows = new SlidingWindows(10);
      takeMany(windows, 10, START + at);
      const { allowed, resetSeconds } = windows.take("key", RULE, START + at);
      expect([at, allowed]).toEqual([at, false]);
      // At the very start of a window all of the one before still weighs.
      const later = START + at + resetSeconds * 1000 + 1;
      expect([at, windows.take("key", RULE, later).allowed]).toEqual([at, true]);
    }
  });

  it("weighs the window before by the share still covered", () => {
    for (const [at, allowed] of [
      [60_000, 0],
      [60_001, 1],
      [75_000, 3],
      [90_000, 5],
      [119_999, 10],
      [120_000, 10],
      [600_000, 10],
    ] as const) {
      const windows = new SlidingWindows(10);
      expect(takeMany(windows, 10, START)).toBe(10);
      expect([at, takeMany(windows, 20, START + at)]).toEqual([at, allowed]);
    }
  });

  it("never lets more than twice the limit through in a window's time, whatever the pattern", () => {
    for (const step of [1, 7, 100, 999, 6_001, 31_000]) {
      const windows = new SlidingWindows(10);
      const passed: number[] = [];
      for (let now = START; now < START + 300_000; now += step)
        if (windows.take("key", RULE, now).allowed) passed.push(now);
      const busiest = Math.max(
        ...passed.map((at) => passed.filter((one) => one >= at && one < at + 60_000).length),
      );
      expect([step, busiest <= 20]).toEqual([step, true]);
    }
  });

  it("does not reopen when the clock is set back", () => {
    const windows = new SlidingWindows(10);
    expect(takeMany(windows, 20, START)).toBe(10);
    expect(takeMany(windows, 20, START - 3_600_000)).toBe(0);
  });

  it("starts anew under a rule of another length", () => {
    const windows = new SlidingWindows(10);
    expect(takeMany(windows, 20, START)).toBe(10);
    expect(windows.take("key", { limit: 10, windowSeconds: 30 }, START).remaining).toBe(9);
  });

  it("takes a limit of 0 as never", () => {
    const windows = new SlidingWindows(10);
    expect(windows.take("key", { limit: 0, windowSeconds: 1 }, START).allowed).toBe(false);
  });
});

describe("many sliding windows", () => {
  it("keep to their capacity and forget the key longest unused", () => {
    const windows = new SlidingWindows(3);
    for (const key of ["a", "b", "c"]) takeMany(windows, 20, START, key);
    // A refused key is in use too: asking again and again must not get it forgotten.
    expect(takeMany(windows, 1, START, "a")).toBe(0);
    takeMany(windows, 1, START, "d");
    expect(windows.entries().map(([key]) => key)).toEqual(["c", "a", "d"]);
    expect(takeMany(windows, 1, START, "a")).toBe(0);
  });

  it("sweep what no longer counts and say when the last will not", () => {
    const windows = new SlidingWindows(10);
    takeMany(windows, 1, START, "old");
    takeMany(windows, 1, START + 60_000, "young");
    expect(windows.sweep(START + 119_999)).toBe(START + 180_000);
    expect(windows.entries()).toHaveLength(2);
    expect(windows.sweep(START + 120_000)).toBe(START + 180_000);
    expect(windows.entries().map(([key]) => key)).toEqual(["young"]);
    expect(windows.sweep(START + 180_000)).toBe(undefined);
    expect(windows.entries()).toEqual([]);
  });

  it("go on where they were from what was stored", () => {
    const windows = new SlidingWindows(10);
    takeMany(windows, 7, START);
    const again = new SlidingWindows(10, structuredClone(windows.entries()));
    expect(takeMany(again, 20, START + 1)).toBe(3);
  });
});
