import { expect, it } from "vitest";
import { loadBetween, readCoreTimes } from "./cpu-load.ts";

const at = (...cores: [busy: number, total: number][]) => cores.map(([busy, total]) => ({ busy, total }));

it("is the share of the time in between, of each core and of all", () => {
  const load = loadBetween(at([100, 1000], [0, 1000]), at([150, 1100], [100, 1100]));
  expect(load).toEqual({ percent: 75, per_core: [50, 100] });
});

it("is unknown at first, never zero", () => {
  expect(loadBetween(undefined, at([1, 2], [1, 2]))).toEqual({ percent: null, per_core: [null, null] });
});

it("is unknown when cores came or went, or no time has passed", () => {
  expect(loadBetween(at([1, 2]), at([1, 2], [1, 2]))).toEqual({ percent: null, per_core: [null, null] });
  expect(loadBetween(at([1, 2]), at([1, 2]))).toEqual({ percent: null, per_core: [null] });
});

it("reads what this machine says", () => {
  for (const { busy, total } of readCoreTimes()) {
    expect(busy).toBeGreaterThan(0);
    expect(total).toBeGreaterThan(busy);
  }
});
