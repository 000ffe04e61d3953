import { expect, it } from "vitest";
import { partCountOf, partSizeOf, plannedPart, plannedParts } from "./part-plan.ts";

const MIB = 1024 * 1024;
const cut = (fileSize: number) => ({ fileSize, partSize: partSizeOf(fileSize) });

it.each([
  [1, 8, 1],
  [8 * MIB, 8, 1],
  [8 * MIB + 1, 8, 2],
  [5e9, 8, 597],
  [80_000 * MIB, 8, 10_000],
  [80_000 * MIB + 1, 9, 8_889],
  [5e12, 477, 9_997],
])("cuts %i bytes into parts of %i MiB, %i of them", (fileSize, mebibytes, count) => {
  expect(partSizeOf(fileSize)).toBe(mebibytes * MIB);
  expect(partCountOf(cut(fileSize))).toBe(count);
});

it.each([1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 20 * MIB, 5e9])("cuts all of %i bytes", (fileSize) => {
  const parts = plannedParts(cut(fileSize));
  expect(parts.reduce((sum, { size }) => sum + size, 0)).toBe(fileSize);
  expect(parts.at(-1)!.size).toBeGreaterThan(0);
  expect(parts.map(({ number }) => number)).toEqual(parts.map((_, i) => i + 1));
});

it("has no part before the first or after the last", () => {
  expect([0, 2].map((number) => plannedPart(cut(100), number))).toEqual([undefined, undefined]);
  expect(plannedPart(cut(100), 1)).toEqual({ number: 1, size: 100 });
});
