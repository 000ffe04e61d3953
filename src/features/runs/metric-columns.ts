import type { MetricColumns, MetricPoint, MetricSeries } from "../../kernel/ports/run-feeds.ts";

/** Points in columns with the sequence number of each, as a feed keeps them. */
export interface SequencedColumns extends MetricColumns {
  seqs: Float64Array;
}

export const countOf = (columns: MetricColumns): number => columns.steps.length;

/** Gives consecutive sequence numbers to points that have none yet. */
export function sequence(columns: MetricColumns, firstSeq: number): SequencedColumns {
  const seqs = Float64Array.from({ length: countOf(columns) }, (_, i) => firstSeq + i);
  return { ...columns, seqs };
}

/** Collects points one by one into columns. */
export class ColumnBuilder {
  readonly #steps: Float64Array;
  readonly #epochs: Float64Array;
  readonly #timestamps: Float64Array;
  readonly #series = new Map<string, { values: Float64Array; present: Uint8Array; filled: number }>();
  #count = 0;

  constructor(capacity: number) {
    this.#steps = new Float64Array(capacity);
    this.#epochs = new Float64Array(capacity);
    this.#timestamps = new Float64Array(capacity);
  }

  /** Starts the next point; its values follow by `set`. */
  add(step: number, epoch: number, timestamp: number): void {
    const i = this.#count++;
    this.#steps[i] = step;
    this.#epochs[i] = epoch;
    this.#timestamps[i] = timestamp;
  }

  set(key: string, value: number): void {
    let series = this.#series.get(key);
    if (!series) {
      const capacity = this.#steps.length;
      series = { values: new Float64Array(capacity), present: new Uint8Array(capacity), filled: 0 };
      this.#series.set(key, series);
    }
    const i = this.#count - 1;
    if (series.present[i] === 0) series.filled++;
    series.values[i] = value;
    series.present[i] = 1;
  }

  build(): MetricColumns {
    const n = this.#count;
    const series = [...this.#series].map(([key, { values, present, filled }]): MetricSeries => ({
      key,
      values: values.subarray(0, n),
      ...(filled < n && { present: present.subarray(0, n) }),
    }));
    return {
      steps: this.#steps.subarray(0, n),
      epochs: this.#epochs.subarray(0, n),
      timestamps: this.#timestamps.subarray(0, n),
      series,
    };
  }
}

function joinFloats(parts: Float64Array[], total: number): Float64Array {
  const joined = new Float64Array(total);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

function joinSeries(key: string, parts: SequencedColumns[], total: number): MetricSeries {
  const values = new Float64Array(total);
  const present = new Uint8Array(total);
  let offset = 0;
  let complete = true;
  for (const part of parts) {
    const series = part.series.find((candidate) => candidate.key === key);
    if (series) values.set(series.values, offset);
    if (series?.present) present.set(series.present, offset);
    else if (series) present.fill(1, offset, offset + countOf(part));
    complete &&= series !== undefined && series.present === undefined;
    offset += countOf(part);
  }
  return { key, values, ...(!complete && { present }) };
}

/** Puts several runs of points behind each other. */
export function concat(parts: SequencedColumns[]): SequencedColumns {
  if (parts.length === 1) return parts[0]!;
  const total = parts.reduce((sum, part) => sum + countOf(part), 0);
  const keys = [...new Set(parts.flatMap((part) => part.series.map((series) => series.key)))];
  return {
    seqs: joinFloats(
      parts.map((part) => part.seqs),
      total,
    ),
    steps: joinFloats(
      parts.map((part) => part.steps),
      total,
    ),
    epochs: joinFloats(
      parts.map((part) => part.epochs),
      total,
    ),
    timestamps: joinFloats(
      parts.map((part) => part.timestamps),
      total,
    ),
    series: keys.map((key) => joinSeries(key, parts, total)),
  };
}

export const has = (series: MetricSeries, i: number): boolean =>
  series.present === undefined || series.present[i] === 1;

/** The point at `i`, with only the wanted keys when they are named. */
export function pointAt(columns: SequencedColumns, i: number, keys?: ReadonlySet<string>): MetricPoint {
  const values: Record<string, number> = {};
  for (const series of columns.series) {
    if ((!keys || keys.has(series.key)) && has(series, i)) values[series.key] = series.values[i]!;
  }
  return {
    seq: columns.seqs[i]!,
    epoch: columns.epochs[i]!,
    step: columns.steps[i]!,
    timestamp: columns.timestamps[i]!,
    values,
  };
}

/** Smallest and largest step. */
export function stepRange({ steps }: MetricColumns): { minStep: number; maxStep: number } {
  let minStep = Infinity;
  let maxStep = -Infinity;
  for (const step of steps) {
    if (step < minStep) minStep = step;
    if (step > maxStep) maxStep = step;
  }
  return { minStep, maxStep };
}
