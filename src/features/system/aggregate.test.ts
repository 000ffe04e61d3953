import { expect, it } from "vitest";
import { inCommon, largestOf, percentOf, sumOf, weightedMean } from "./aggregate.ts";

it("makes nothing of what nobody knows, and leaves out what one does not", () => {
  expect([sumOf([]), sumOf([null, undefined]), sumOf([1, null, 2]), sumOf([0])]).toEqual([null, null, 3, 0]);
  expect([largestOf([]), largestOf([null, 3, 9, 1])]).toEqual([null, 9]);
  expect(weightedMean([])).toBeNull();
  expect(weightedMean([{ value: null, weight: 4 }])).toBeNull();
  expect(weightedMean([{ value: 50, weight: 0 }])).toBeNull();
  expect(
    weightedMean([
      { value: 100, weight: 1 },
      { value: 0, weight: 3 },
      { value: null, weight: 90 },
    ]),
  ).toBe(25);
});

it("gives the percent of nothing as unknown", () => {
  expect([percentOf(1, 3), percentOf(0, 0), percentOf(null, 5), percentOf(5, null)]).toEqual([
    33.33,
    null,
    null,
    null,
  ]);
});

it("says only what all agree on", () => {
  expect([
    inCommon([]),
    inCommon(["a"]),
    inCommon(["a", "a"]),
    inCommon(["a", "b"]),
    inCommon(["a", null]),
  ]).toEqual([null, "a", "a", null, null]);
});
