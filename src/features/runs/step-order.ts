import type { MetricPosition } from "../../kernel/ports/run-feeds.ts";
import { countOf, type SequencedColumns } from "./metric-columns.ts";

export interface StepSpan {
  firstSeq: number;
  minStep: number;
  maxStep: number;
}

/**
 * Groups chunks so that no two groups share a step: reading group after group, each sorted in itself, gives all
 * points in step order while only one group is in memory. A run that logs in order has one chunk a group.
 */
export function groupBySteps<T extends StepSpan>(chunks: T[]): T[][] {
  const sorted = [...chunks].sort((a, b) => a.minStep - b.minStep || a.firstSeq - b.firstSeq);
  const groups: T[][] = [];
  let reach = -Infinity;
  for (const chunk of sorted) {
    if (chunk.minStep > reach) groups.push([chunk]);
    else groups[groups.length - 1]!.push(chunk);
    reach = Math.max(reach, chunk.maxStep);
  }
  return groups;
}

const isAfter = (step: number, seq: number, position: MetricPosition): boolean =>
  step > position.step || (step === position.step && seq > position.seq);

/** Indexes of the points of a group behind `after` and from `fromStep` on, in step order. */
export function orderedIndexes(
  columns: SequencedColumns,
  fromStep: number,
  after?: MetricPosition,
): number[] {
  const { steps, seqs } = columns;
  const indexes: number[] = [];
  let sorted = true;
  for (let i = 0; i < countOf(columns); i++) {
    if (steps[i]! < fromStep || (after && !isAfter(steps[i]!, seqs[i]!, after))) continue;
    const last = indexes[indexes.length - 1];
    sorted &&= last === undefined || isAfter(steps[i]!, seqs[i]!, { step: steps[last]!, seq: seqs[last]! });
    indexes.push(i);
  }
  return sorted ? indexes : indexes.sort((a, b) => steps[a]! - steps[b]! || seqs[a]! - seqs[b]!);
}
