import { expect, it } from "vitest";
import { ExpiringLru } from "./lru.ts";

it("forgets the entry that was used longest ago when it is full", () => {
  const cache = new ExpiringLru<number>(2, 1000);
  cache.set("a", 1, 0);
  cache.set("b", 2, 0);
  expect(cache.get("a", 0)).toBe(1);
  cache.set("c", 3, 0);
  expect(["a", "b", "c"].map((key) => cache.get(key, 0))).toEqual([1, undefined, 3]);
});

it("counts a value set again as one entry, used just now", () => {
  const cache = new ExpiringLru<number>(2, 1000);
  cache.set("a", 1, 0);
  cache.set("b", 2, 0);
  cache.set("a", 3, 0);
  cache.set("c", 4, 0);
  expect(["a", "b", "c"].map((key) => cache.get(key, 0))).toEqual([3, undefined, 4]);
});

it("forgets an entry when its time is up, however often it was read", () => {
  const cache = new ExpiringLru<number>(2, 1000);
  cache.set("a", 1, 0);
  expect(cache.get("a", 999)).toBe(1);
  expect(cache.get("a", 1000)).toBeUndefined();
  expect(cache.get("a", 0)).toBeUndefined();
  cache.set("a", 2, 500);
  expect(cache.get("a", 1499)).toBe(2);
});

it("forgets what it is told to", () => {
  const cache = new ExpiringLru<number>(2, 1000);
  cache.set("a", 1, 0);
  cache.delete("a");
  cache.delete("never there");
  expect(cache.get("a", 0)).toBeUndefined();
});
