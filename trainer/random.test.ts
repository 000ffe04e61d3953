import { expect, test } from "vitest";
import { createRandom, shuffle, xoshiro128 } from "./random.ts";

test("gives the numbers of the reference implementation of xoshiro128** 1.1", () => {
  const random = xoshiro128([1, 2, 3, 4]);
  const expected = [
    11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
  ];
  expect(expected.map(() => random.next())).toEqual(expected);
});

test("seeds and purposes give streams of their own", () => {
  const first = (seed: number, purpose: string) => createRandom(seed, purpose).next();
  const seeds = [0, 1, 2, -1, 2 ** 32, 2 ** 40, Number.MAX_SAFE_INTEGER];
  expect(new Set(seeds.map((seed) => first(seed, "split"))).size).toBe(seeds.length);
  expect(first(1, "split")).not.toBe(first(1, "weights"));
  expect(first(1, "split")).toBe(first(1, "split"));
});

test("below gives every number about equally often", () => {
  const random = createRandom(3, "test");
  const counts = new Int32Array(7);
  for (let at = 0; at < 70_000; at++) counts[random.below(7)]!++;
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);
});

test("symmetric stays within its limit and is centred on 0", () => {
  const random = createRandom(3, "test");
  const values = Array.from({ length: 20_000 }, () => random.symmetric(0.5));
  expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(0.5);
  expect(Math.abs(values.reduce((sum, value) => sum + value, 0) / values.length)).toBeLessThan(0.01);
});

test("shuffle keeps every item", () => {
  const items = Int32Array.from({ length: 100 }, (_, at) => at);
  shuffle(items, createRandom(1, "test"));
  expect([...items]).not.toEqual([...items].sort((a, b) => a - b));
  expect([...items].sort((a, b) => a - b)).toEqual([...Array(100).keys()]);
});
