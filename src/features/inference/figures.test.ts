import { describe, expect, it } from "vitest";
import { Figures } from "./figures.ts";

const START = 1_800_000_000_000;

describe("Figures", () => {
  it("knows nothing before the first call", () => {
    const figures = new Figures(START).read(START + 5000, 0);
    expect(figures).toMatchObject({
      errorRate: null,
      p50: null,
      p99: null,
      mean: null,
      rps: 0,
      uptimeSeconds: 5,
    });
    expect(figures.histogram.at(-1)).toEqual({ le: Number.POSITIVE_INFINITY, count: 0 });
  });

  it("counts errors without latency when nothing ran, and refusals apart", () => {
    const figures = new Figures(START);
    figures.record("success", 4, START);
    figures.record("error", null, START);
    figures.record("refused", null, START);
    const read = figures.read(START + 1000, 2);
    expect(read).toMatchObject({
      requestsSuccess: 1,
      requestsError: 1,
      requestsRefused: 1,
      errorRate: 0.5,
      mean: 4,
      inFlight: 2,
    });
    expect(read.rps).toBe(2);
  });

  it("has a histogram that is cumulative, complete and only grows", () => {
    const figures = new Figures(START);
    let before = figures.read(START, 0).histogram;
    for (const ms of [0, 1, 1.5, 5, 99, 100, 101, 9999, 10_000, 10_001, 1e9]) {
      figures.record("success", ms, START);
      const { histogram } = figures.read(START, 0);
      histogram.forEach(({ count }, i) => {
        expect(count).toBeGreaterThanOrEqual(before[i]!.count);
        if (i > 0) expect(count).toBeGreaterThanOrEqual(histogram[i - 1]!.count);
      });
      before = histogram;
    }
    expect(before.map(({ count }) => count)).toEqual([2, 4, 4, 4, 4, 6, 7, 7, 7, 7, 7, 9, 11]);
  });

  it("forgets calls that are older than a minute in the rate, and only there", () => {
    const figures = new Figures(START);
    for (let second = 0; second < 120; second++) figures.record("success", 1, START + second * 1000);
    expect(figures.read(START + 119_000, 0).rps).toBeCloseTo(1, 1);
    expect(figures.read(START + 300_000, 0)).toMatchObject({ rps: 0, requestsSuccess: 120 });
  });

  it("goes on after eviction where it was", () => {
    const figures = new Figures(START);
    for (let i = 0; i < 50; i++) figures.record(i % 5 ? "success" : "error", i, START + i * 100);
    const again = new Figures(START + 60_000, structuredClone(figures.dump()));
    expect(again.read(START + 10_000, 0)).toEqual(figures.read(START + 10_000, 0));
  });
});
