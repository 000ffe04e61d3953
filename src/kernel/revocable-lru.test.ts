import { expect, it } from "vitest";
import { RevocableLru } from "./revocable-lru.ts";

it("forgets all of an owner's entries at once, and nobody else's", () => {
  const cache = new RevocableLru<number>(10, 1_000);
  cache.set("a", 1, ["session", "ada"], 0);
  cache.set("b", 2, ["token", "ada"], 0);
  cache.set("c", 3, ["other", "bob"], 0);
  cache.revoke("session");
  expect(["a", "b", "c"].map((key) => cache.get(key, 1))).toEqual([undefined, 2, 3]);
  cache.revoke("ada");
  expect(["a", "b", "c"].map((key) => cache.get(key, 1))).toEqual([undefined, undefined, 3]);
});

it("forgets by the clock too", () => {
  const cache = new RevocableLru<number>(10, 1_000);
  cache.set("a", 1, ["ada"], 0);
  expect([cache.get("a", 999), cache.get("a", 1_000)]).toEqual([1, undefined]);
});

it("keeps every entry within reach of its owner, however many there were", () => {
  const cache = new RevocableLru<number>(4, 1_000);
  for (let i = 0; i < 100; i++) {
    cache.set(`key-${i}`, i, ["ada", `session-${i}`], 0);
    cache.revoke("ada");
    expect(cache.get(`key-${i}`, 1)).toBeUndefined();
  }
});
