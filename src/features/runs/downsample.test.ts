import { expect, it } from "vitest";
import { MinMaxSampler } from "./downsample.ts";
import { ColumnBuilder, sequence } from "./metric-columns.ts";

/** `count` points whose values are made by `valuesAt`, reduced to `maxPoints`. */
function sampled(
  count: number,
  maxPoints: number,
  valuesAt: (i: number) => Record<string, number>,
  keys?: ReadonlySet<string>,
) {
  const builder = new ColumnBuilder(count);
  for (let i = 0; i < count; i++) {
    builder.add(i, 0, 0);
    for (const [key, value] of Object.entries(valuesAt(i))) builder.set(key, value);
  }
  const columns = sequence(builder.build(), 1);
  const sampler = new MinMaxSampler(count, keys?.size ?? columns.series.length, maxPoints, keys);
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

it("never keeps more than asked for, and makes use of most of it", () => {
  for (const maxPoints of [10, 11, 100, 999]) {
    for (const keyCount of [1, 2, 5]) {
      const valuesAt = (i: number) =>
        Object.fromEntries(Array.from({ length: keyCount }, (_, k) => [`k${k}`, Math.sin(i * (k + 1))]));
      const { length } = sampled(5000, maxPoints, valuesAt);
      expect(length).toBeLessThanOrEqual(maxPoints);
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

it("takes infinities for extremes and NaN for none", () => {
  const odd: Record<number, number> = { 100: Infinity, 900: -Infinity, 500: NaN };
  const kept = steps(sampled(1000, 20, (i) => ({ loss: odd[i] ?? 1 })));
  expect(kept).toEqual(expect.arrayContaining([100, 900]));
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

it("stays within its bound with more keys than points", () => {
  const many = (i: number) =>
    Object.fromEntries(Array.from({ length: 64 }, (_, k) => [`k${k}`, (i * 31 + k * 17) % 101]));
  const kept = sampled(2000, 10, many);
  expect(kept.length).toBeLessThanOrEqual(10);
  expect([kept[0]!.step, kept.at(-1)!.step]).toEqual([0, 1999]);
});

it("makes one of one point, and none of none", () => {
  expect(steps(sampled(1, 10, () => ({ a: 1 })))).toEqual([0]);
  expect(new MinMaxSampler(0, 0, 10).finish()).toEqual([]);
});
