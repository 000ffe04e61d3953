import { expect, it } from "vitest";
import { ColumnBuilder, concat, countOf, has, pointAt, sequence, stepRange } from "./metric-columns.ts";

/** Points with the values given, at steps 0, 1, 2 …, numbered from `firstSeq`. */
function columnsOf(values: Record<string, number>[], firstSeq = 1) {
  const builder = new ColumnBuilder(values.length);
  values.forEach((point, i) => {
    builder.add(i, i * 10, i * 1000);
    for (const [key, value] of Object.entries(point)) builder.set(key, value);
  });
  return sequence(builder.build(), firstSeq);
}

const pointsOf = (columns: ReturnType<typeof columnsOf>) =>
  Array.from({ length: countOf(columns) }, (_, i) => pointAt(columns, i));

it("gives back every point that was built in", () => {
  const values: Record<string, number>[] = [{ loss: 1, lr: NaN }, {}, { loss: -Infinity }, { f1: 0 }];
  expect(pointsOf(columnsOf(values, 5))).toEqual(
    values.map((point, i) => ({ seq: 5 + i, epoch: i * 10, step: i, timestamp: i * 1000, values: point })),
  );
});

it("keeps a mask only for keys that some point lacks", () => {
  const { series } = columnsOf([{ all: 1, some: 1 }, { all: 2 }]);
  expect(series.map(({ key, present }) => [key, present && [...present]])).toEqual([
    ["all", undefined],
    ["some", [1, 0]],
  ]);
});

it("takes the last of a key's values for a point, and counts the point once", () => {
  const builder = new ColumnBuilder(1);
  builder.add(0, 0, 0);
  builder.set("a", 1);
  builder.set("a", 2);
  const columns = sequence(builder.build(), 1);
  expect(pointAt(columns, 0).values).toEqual({ a: 2 });
  expect(columns.series[0]!.present).toBeUndefined();
});

it("holds no more points than came, whatever was expected", () => {
  const builder = new ColumnBuilder(10);
  builder.add(1, 1, 1);
  builder.set("a", 1);
  const columns = builder.build();
  expect([countOf(columns), columns.series[0]!.values.length]).toEqual([1, 1]);
});

it("puts chunks behind each other, with what each of them lacks", () => {
  const parts: Record<string, number>[][] = [[{ a: 1 }, { a: 2 }], [{ b: 3 }, { a: 4, b: 5 }], [{}]];
  const joined = concat(parts.map((values, i) => columnsOf(values, 1 + i * 2)));
  expect(pointsOf(joined).map((point) => [point.seq, point.values])).toEqual([
    [1, { a: 1 }],
    [2, { a: 2 }],
    [3, { b: 3 }],
    [4, { a: 4, b: 5 }],
    [5, {}],
  ]);
  expect(joined.series.map(({ key }) => key)).toEqual(["a", "b"]);
});

it("makes no mask when all chunks have the key in every point", () => {
  const joined = concat([columnsOf([{ a: 1 }]), columnsOf([{ a: 2 }], 2)]);
  expect(joined.series[0]!.present).toBeUndefined();
});

it("joins nothing to nothing", () => {
  expect(countOf(concat([]))).toBe(0);
});

it("picks the wanted keys of a point", () => {
  const columns = columnsOf([{ a: 1, b: 2 }]);
  expect(pointAt(columns, 0, new Set(["b", "z"])).values).toEqual({ b: 2 });
  expect(has(columns.series[0]!, 0)).toBe(true);
});

it("finds the smallest and the largest step, however they came", () => {
  const columns = { ...columnsOf([{}, {}, {}]), steps: Float64Array.from([5, 2, 9]) };
  expect(stepRange(columns)).toEqual({ minStep: 2, maxStep: 9 });
});
