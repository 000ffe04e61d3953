import { expect, it } from "vitest";
import { isNestedDeeper } from "./nesting.ts";

it.each([
  [1, 0, false],
  [null, 0, false],
  ["text", 0, false],
  [[], 0, true],
  [{}, 0, true],
  [[1, 2], 1, false],
  [[1, [2]], 1, true],
  [{ a: { b: 1 } }, 2, false],
  [{ a: [{ b: 1 }] }, 2, true],
])("%j is deeper than %i levels: %s", (value, levels, deeper) => {
  expect(isNestedDeeper(value, levels)).toBe(deeper);
});

it("survives what would break a walk to the bottom", () => {
  const text = "[".repeat(1_000_000) + "]".repeat(1_000_000);
  expect(isNestedDeeper(JSON.parse(text), 64)).toBe(true);
});
