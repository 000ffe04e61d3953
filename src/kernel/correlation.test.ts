import { expect, it } from "vitest";
import { pearson, spearman } from "./correlation.ts";

// Anscombe's first quartet (1973): r = 0.81642, and by hand Spearman's ρ = 1 - 6·Σd²/(n(n²-1)) = 0.81818.
const X = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5];
const Y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];

it("gives the figures of a textbook", () => {
  expect(pearson(X, Y)).toBeCloseTo(0.81642, 5);
  expect(spearman(X, Y)).toBeCloseTo(0.81818, 5);
});

it("is whole for a line, and for any rise by rank", () => {
  expect(pearson([1, 2, 3], [2, 4, 6])).toBeCloseTo(1, 12);
  expect(pearson([1, 2, 3], [6, 4, 2])).toBeCloseTo(-1, 12);
  const cubes = X.map((x) => x ** 3);
  expect(spearman(X, cubes)).toBeCloseTo(1, 12);
  expect(pearson(X, cubes)).toBeLessThan(1);
});

it("gives equal values the mean of their ranks", () => {
  // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 / √(4.5 · 5).
  expect(spearman([1, 5, 5, 9], [1, 2, 3, 4])).toBeCloseTo(4.5 / Math.sqrt(4.5 * 5), 12);
});

it("says nothing of too few pairs, or of a side that does not vary", () => {
  for (const of of [pearson, spearman]) {
    expect(of([], [])).toBeNull();
    expect(of([1, 2], [3, 4])).toBeNull();
    expect(of([1, 1, 1], [1, 2, 3])).toBeNull();
    expect(of([1, 2, 3], [7, 7, 7])).toBeNull();
    expect(of([1, 2, 3], [1, 2])).toBeNull();
  }
});
