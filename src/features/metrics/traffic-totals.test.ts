import { expect, it } from "vitest";
import { TrafficCounts } from "./traffic-counts.ts";
import { TrafficSums } from "./traffic-totals.ts";

const series = (route: string, count: number) => ({
  ...{ method: "GET", route, sumSeconds: count / 2 },
  statuses: [[200, count]] as [number, number][],
  buckets: [count, 0],
});

it("adds batches up, each once, whoever sends them", () => {
  const sums = new TrafficSums(1000);
  expect(sums.add({ isolate: "a", seq: 1, series: [series("/x", 2)] }, 2000)).toBe(true);
  expect(sums.add({ isolate: "a", seq: 1, series: [series("/x", 2)] }, 2000)).toBe(false);
  expect(sums.add({ isolate: "b", seq: 1, series: [series("/x", 3), series("/y", 1)] }, 2000)).toBe(true);
  expect(
    sums.add({ isolate: "a", seq: 2, series: [{ ...series("/x", 1), statuses: [[500, 1]] }] }, 2000),
  ).toBe(true);
  expect(sums.totals(3000)).toEqual({
    ...{ since: 1000, isolates: 2 },
    series: [
      {
        method: "GET",
        route: "/x",
        sumSeconds: 3,
        statuses: [...[[200, 5]], ...[[500, 1]]],
        buckets: [6, 0],
      },
      { method: "GET", route: "/y", sumSeconds: 0.5, statuses: [[200, 1]], buckets: [1, 0] },
    ],
  });
});

it("is the same after it was written down, and forgets isolates long gone", () => {
  const sums = new TrafficSums(1000);
  sums.add({ isolate: "a", seq: 7, series: [series("/x", 2)] }, 2000);
  const again = new TrafficSums(9000, structuredClone(sums.dump(3000)));
  expect(again.totals(3000)).toEqual(sums.totals(3000));
  expect(again.add({ isolate: "a", seq: 7, series: [series("/x", 2)] }, 4000)).toBe(false);
  expect(again.totals(100_000).isolates).toBe(0);
  expect(again.dump(4_000_000).isolates).toEqual([]);
});

it("does not grow without end", () => {
  const sums = new TrafficSums(0);
  const many = Array.from({ length: 3_000 }, (_, i) => series(`/${i}`, 1));
  sums.add({ isolate: "a", seq: 1, series: many }, 1);
  expect(sums.totals(1).series).toHaveLength(2_000);
  sums.add({ isolate: "a", seq: 2, series: [series("/1", 1)] }, 1);
  expect(sums.totals(1).series[1]).toMatchObject({ route: "/1", buckets: [2, 0] });
});

it("counts by method and route, in the right bucket, and methods nobody knows as one", () => {
  const counts = new TrafficCounts();
  for (const ms of [0, 5, 6, 10_000, 10_001]) counts.count("GET", "/x", 200, ms);
  counts.count("GET", "/x", 404, 1);
  for (const method of ["BREW", "PROPFIND"]) counts.count(method, "unmatched", 405, 1);
  const [get, other, ...rest] = counts.drain();
  expect(get).toMatchObject({ method: "GET", route: "/x", sumSeconds: 20.013 });
  expect(get!.statuses).toEqual([...[[200, 5]], ...[[404, 1]]]);
  expect(get!.buckets).toEqual([3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
  expect(other).toMatchObject({ method: "OTHER", route: "unmatched", statuses: [[405, 2]] });
  expect([rest, counts.drain()]).toEqual([[], []]);
});
