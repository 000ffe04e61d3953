import type { BenchmarkFigure } from "../../../src/kernel/system-sample.ts";

/** What a measure is about, before anything is measured. */
export type Described = Pick<BenchmarkFigure, "name" | "unit" | "method">;

const rounded = (value: number): number => Number(value.toPrecision(5));

export function median(values: number[]): number {
  const ordered = [...values].sort((a, b) => a - b);
  const middle = ordered.length >> 1;
  return ordered.length % 2 === 1 ? ordered[middle]! : (ordered[middle - 1]! + ordered[middle]!) / 2;
}

export const measured = (described: Described, runs: number[]): BenchmarkFigure => ({
  ...described,
  value: rounded(median(runs)),
  runs: runs.map(rounded),
  reason: null,
});

export const unmeasured = (described: Described, reason: string): BenchmarkFigure => ({
  ...described,
  value: null,
  runs: [],
  reason: reason.slice(0, 500),
});

/** Milliseconds that `work` took, `runs` times, after `warmUps` that do not count. */
export async function timed(
  work: () => unknown,
  { warmUps, runs }: { warmUps: number; runs: number },
): Promise<number[]> {
  for (let i = 0; i < warmUps; i++) await work();
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const from = performance.now();
    await work();
    times.push(performance.now() - from);
  }
  return times;
}
