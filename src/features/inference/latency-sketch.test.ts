import { describe, expect, it } from "vitest";
import { LatencySketch, RELATIVE_ERROR } from "./latency-sketch.ts";

/** A small generator with a fixed seed (mulberry32), so that a failure comes back. */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const nearestRank = (sorted: number[], q: number): number =>
  sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1]!;

const next = random(7);
const DISTRIBUTIONS: Record<string, () => number> = {
  uniform: () => next() * 100 + 0.1,
  "long tail": () => 2 / (1 - next()) ** 1.5,
  "two humps": () => (next() < 0.9 ? 3 + next() : 4000 + 100 * next()),
  "whole milliseconds": () => 1 + Math.floor(next() * 30),
};

describe("LatencySketch", () => {
  for (const [name, draw] of Object.entries(DISTRIBUTIONS)) {
    it(`keeps every quantile within 1 % of the true one: ${name}`, () => {
      const values = Array.from({ length: 20_000 }, draw);
      const sketch = new LatencySketch();
      for (const value of values) sketch.add(value);
      values.sort((a, b) => a - b);
      for (const q of [0.001, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1]) {
        const truth = nearestRank(values, q);
        expect(Math.abs(sketch.quantile(q)! - truth) / truth).toBeLessThanOrEqual(RELATIVE_ERROR + 1e-9);
      }
    });
  }

  it("says nothing without values and zero for what no clock can measure", () => {
    const sketch = new LatencySketch();
    expect(sketch.quantile(0.5)).toBeNull();
    sketch.add(0);
    expect(sketch.quantile(0.99)).toBe(0);
  });

  it("merges and survives storage without loss", () => {
    const [all, left, right] = [new LatencySketch(), new LatencySketch(), new LatencySketch()];
    for (let i = 1; i <= 1000; i++) {
      all.add(i);
      (i % 3 ? left : right).add(i);
    }
    left.merge(LatencySketch.from(structuredClone(right.dump())));
    for (const q of [0.01, 0.5, 0.99]) expect(left.quantile(q)).toBe(all.quantile(q));
    expect(left.count).toBe(1000);
  });
});
