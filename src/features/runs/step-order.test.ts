import { expect, it } from "vitest";
import { sequence } from "./metric-columns.ts";
import { groupBySteps, orderedIndexes } from "./step-order.ts";

const span = (firstSeq: number, minStep: number, maxStep: number) => ({ firstSeq, minStep, maxStep });
const columnsAt = (...steps: number[]) => {
  const zeros = new Float64Array(steps.length);
  return sequence({ steps: Float64Array.from(steps), epochs: zeros, timestamps: zeros, series: [] }, 1);
};
const firstSeqs = (groups: { firstSeq: number }[][]) =>
  groups.map((group) => group.map(({ firstSeq }) => firstSeq));

it("leaves chunks that follow each other apart", () => {
  expect(firstSeqs(groupBySteps([span(1, 0, 9), span(11, 10, 19), span(21, 20, 29)]))).toEqual([
    [1],
    [11],
    [21],
  ]);
});

it("puts chunks that share a step together, also over several", () => {
  expect(firstSeqs(groupBySteps([span(1, 0, 9), span(2, 9, 12), span(3, 12, 13), span(4, 14, 15)]))).toEqual([
    [1, 2, 3],
    [4],
  ]);
});

it("puts what lies inside a long chunk into its group", () => {
  expect(
    firstSeqs(groupBySteps([span(1, 0, 100), span(2, 5, 6), span(3, 50, 51), span(4, 101, 101)])),
  ).toEqual([[1, 2, 3], [4]]);
});

it("orders groups by step, whatever order the chunks came in", () => {
  const chunks = [span(3, 20, 29), span(1, 0, 9), span(2, 10, 19)];
  expect(firstSeqs(groupBySteps(chunks))).toEqual([[1], [2], [3]]);
  expect(firstSeqs([chunks])).toEqual([[3, 1, 2]]);
  expect(groupBySteps([])).toEqual([]);
});

it("lists points in step order, those of one step as they came", () => {
  expect(orderedIndexes(columnsAt(5, 1, 5, 3), -Infinity)).toEqual([1, 3, 0, 2]);
  expect(orderedIndexes(columnsAt(1, 2, 2, 3), -Infinity)).toEqual([0, 1, 2, 3]);
});

it("begins at the step asked for", () => {
  expect(orderedIndexes(columnsAt(5, 1, 5, 3), 3)).toEqual([3, 0, 2]);
  expect(orderedIndexes(columnsAt(5, 1), 6)).toEqual([]);
});

it("goes on behind a position, which may lie inside a step", () => {
  const columns = columnsAt(2, 2, 2, 1, 3);
  expect(orderedIndexes(columns, 0, { step: 2, seq: 1 })).toEqual([1, 2, 4]);
  expect(orderedIndexes(columns, 0, { step: 2, seq: 3 })).toEqual([4]);
  expect(orderedIndexes(columns, 3, { step: 1, seq: 4 })).toEqual([4]);
});

it("gives every point once when it is asked page by page", () => {
  const steps = Array.from({ length: 200 }, (_, i) => (i * 37) % 23);
  const columns = columnsAt(...steps);
  const seen: number[] = [];
  for (let after: { step: number; seq: number } | undefined; ;) {
    const page = orderedIndexes(columns, 0, after).slice(0, 7);
    if (page.length === 0) break;
    seen.push(...page);
    const last = page[page.length - 1]!;
    after = { step: columns.steps[last]!, seq: columns.seqs[last]! };
  }
  expect(seen).toEqual(orderedIndexes(columns, 0));
  expect(new Set(seen).size).toBe(200);
});
