import { expect, it } from "vitest";
import { MinMaxSampler } from "./downsample.ts";
import { ColumnBuilder, sequence } from "./metric-columns.ts";

/** `count` points whose values are made by `valuesAt`, reduced to `maxPoints`. */
function sampled(
  count: number,
  maxPoints: number,
  valuesAt: (i: number) => Record<string, number>,
  keys?: ReadonlySet<string>,
  knownKeys?: number,
) {
  const builder = new ColumnBuilder(count);
  for (let i = 0; i < count; i++) {
    builder.add(i, 0, 0);
    for (const [key, value] of Object.entries(valuesAt(i))) builder.set(key, value);
  }
  const columns = sequence(builder.build(), 1);
  const sampler = new MinMaxSampler(count, knownKeys ?? keys?.size ?? columns.series.length, maxPoints, keys);
  for (let i = 0; i < count; i++) sampler.add(columns, i);
  return sampler.finish();
}

const steps = (points: { step: number }[]) => points.map(({ step }) => step);

it("keeps the first and the last point, and points in order", () => {
  const kept = steps(sampled(10_000, 100, (i) => ({ loss: Math.sin(i / 100) })));
  expect([kept[0], kept.at(-1)]).toEqual([0, 9999]);
  expect(kept).toEqual(kept.toSorted((a, b) => a - b));
  expect(new Set(kept).size).toBe(kept.length);
});

it("keeps no more than asked for where that has room for every key, and makes use of most of it", () => {
  for (const maxPoints of [10, 11, 100, 999]) {
    for (const keyCount of [1, 2, 5]) {
      const valuesAt = (i: number) =>
        Object.fromEntries(Array.from({ length: keyCount }, (_, k) => [`k${k}`, Math.sin(i * (k + 1))]));
      const { length } = sampled(5000, maxPoints, valuesAt);
      expect(length).toBeLessThanOrEqual(Math.max(maxPoints, 2 * keyCount + 2));
      if (maxPoints >= 100) expect(length).toBeGreaterThan(maxPoints / 2);
    }
  }
});

it("keeps every spike of every key, up and down", () => {
  const spikes: Record<number, Record<string, number>> = {
    1234: { a: 99 },
    5678: { a: -99 },
    4321: { b: 50 },
    8765: { b: -50 },
  };
  const kept = sampled(10_000, 200, (i) => ({ a: Math.sin(i), b: Math.cos(i), ...spikes[i] }));
  expect(steps(kept)).toEqual(expect.arrayContaining([1234, 5678, 4321, 8765]));
  expect(kept.find(({ step }) => step === 1234)!.values.a).toBe(99);
});

it("lets nothing that is not finite vanish, nor hides a finite extreme behind it", () => {
  const odd: Record<number, number> = { 100: Infinity, 105: 7, 110: -Infinity, 500: NaN, 505: -7 };
  const kept = steps(sampled(1000, 20, (i) => ({ loss: odd[i] ?? 1 })));
  expect(kept).toEqual(expect.arrayContaining([100, 105, 110, 500, 505]));
});

it("shows where a diverged stretch begins and ends", () => {
  const values = (i: number) => ({ loss: i >= 333 && i <= 777 ? NaN : Math.sin(i) });
  const kept = sampled(1000, 20, values);
  const broken = kept.filter(({ values: { loss } }) => Number.isNaN(loss));
  expect([broken[0]!.step, broken.at(-1)!.step]).toEqual([333, 777]);
});

it("stays near its bound where finite and other values take turns", () => {
  const kept = sampled(10_000, 200, (i) => ({ a: i % 2 ? NaN : Math.sin(i / 50), b: i % 3 ? i : Infinity }));
  expect(kept.length).toBeLessThanOrEqual(200);
});

it("makes room for keys that come late", () => {
  const late = (i: number): Record<string, number> => ({
    a: Math.sin(i),
    ...(i > 5_000 &&
      Object.fromEntries(Array.from({ length: 9 }, (_, k) => [`k${k}`, i === 9_000 + k ? 99 : 0]))),
  });
  const builder = sampled(10_000, 100, late, undefined, 1);
  expect(builder.length).toBeLessThanOrEqual(100);
  expect(steps(builder)).toEqual(expect.arrayContaining(Array.from({ length: 9 }, (_, k) => 9_000 + k)));
});

it("keeps a point of a stretch that has nothing but NaN, or nothing at all", () => {
  for (const valuesAt of [() => ({ loss: NaN }), (): Record<string, number> => ({})]) {
    const kept = steps(sampled(1000, 20, valuesAt));
    expect(kept.length).toBeGreaterThan(5);
    expect([kept[0], kept.at(-1)]).toEqual([0, 999]);
  }
});

it("looks at the wanted keys only", () => {
  const kept = sampled(
    1000,
    20,
    (i) => ({ wanted: Math.sin(i / 100), other: i === 777 ? 99 : 0 }),
    new Set(["wanted"]),
  );
  expect(steps(kept)).not.toContain(777);
  for (const { values } of kept) expect(Object.keys(values)).toEqual(["wanted"]);
});

it("exceeds its bound only as far as every key's extremes need", () => {
  const keys = Array.from({ length: 64 }, (_, k) => `k${k}`);
  const many = (i: number) =>
    Object.fromEntries(keys.map((key, k) => [key, i === 30 * k + 7 ? 99 : i === 30 * k + 11 ? -99 : 0]));
  const kept = sampled(2000, 10, many);
  expect(kept.length).toBeLessThanOrEqual(2 * 64 + 2);
  expect([kept[0]!.step, kept.at(-1)!.step]).toEqual([0, 1999]);
  const spikes = keys.flatMap((_, k) => [30 * k + 7, 30 * k + 11]);
  expect(steps(kept)).toEqual(expect.arrayContaining(spikes));
});

it("makes one of one point, and none of none", () => {
  expect(steps(sampled(1, 10, () => ({ a: 1 })))).toEqual([0]);
  expect(new MinMaxSampler(0, 0, 10).finish()).toEqual([]);
});
