import { expect, it } from "vitest";
import { RefusalFlood } from "./refusal-flood.ts";

const create = (capacity = 100) => new RefusalFlood({ perSpell: 2, spellMs: 60_000, capacity });

it("tells so many of a kind a minute, and how many were left out in the next one told", () => {
  const flood = create();
  const taken = [0, 1, 2, 3, 59_999].map((now) => flood.take("a", now));
  expect(taken).toEqual([0, 0, undefined, undefined, undefined]);
  expect([flood.take("a", 60_000), flood.take("a", 60_001), flood.take("a", 60_002)]).toEqual([
    3,
    0,
    undefined,
  ]);
  expect(flood.take("a", 200_000)).toBe(1);
});

it("lets one kind take nothing from another", () => {
  const flood = create();
  for (let i = 0; i < 10; i++) flood.take("a", 0);
  expect(flood.take("b", 0)).toBe(0);
});

it("keeps a bounded number of kinds, and forgets the oldest first", () => {
  const flood = create(2);
  for (const kind of ["a", "a", "a", "b", "c"]) flood.take(kind, 0);
  expect([flood.take("c", 1), flood.take("c", 1)]).toEqual([0, undefined]);
  expect(flood.take("a", 1)).toBe(0);
});
