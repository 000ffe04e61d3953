import type { MetricPoint } from "../../kernel/ports/run-feeds.ts";
import { has, pointAt, type SequencedColumns } from "./metric-columns.ts";

/** Where a point lies; it is made an object only when it is kept. */
interface Place {
  columns: SequencedColumns;
  i: number;
}

interface Extremes {
  min: number;
  max: number;
  minAt: Place;
  maxAt: Place;
}

/**
 * Reduces a stream of points in step order to at most `maxPoints`: the stream is cut into equal buckets, and of
 * each bucket the points holding a key's smallest and largest value are kept, so that no spike disappears. The
 * first and the last point always stay. NaN has no order; a bucket with nothing else keeps its first point.
 */
export class MinMaxSampler {
  readonly #keys: ReadonlySet<string> | undefined;
  readonly #bucketSize: number;
  readonly #maxPoints: number;
  readonly #kept = new Map<number, MetricPoint>();
  #bucket = new Map<string, Extremes>();
  #inBucket = 0;
  #bucketFirst: Place | undefined;
  #last: Place | undefined;

  /** `total` points are to come, carrying `keyCount` different keys. */
  constructor(total: number, keyCount: number, maxPoints: number, keys?: ReadonlySet<string>) {
    this.#keys = keys;
    this.#maxPoints = maxPoints;
    const buckets = Math.max(1, Math.floor((maxPoints - 2) / (2 * Math.max(keyCount, 1))));
    this.#bucketSize = Math.ceil(total / buckets);
  }

  add(columns: SequencedColumns, i: number): void {
    const place = { columns, i };
    if (this.#last === undefined) this.#keep(place);
    if (this.#inBucket === 0) this.#bucketFirst = place;
    for (const series of columns.series) {
      if ((!this.#keys || this.#keys.has(series.key)) && has(series, i))
        this.#widen(series.key, series.values[i]!, place);
    }
    this.#last = place;
    if (++this.#inBucket === this.#bucketSize) this.#closeBucket();
  }

  #widen(key: string, value: number, place: Place): void {
    const extremes = this.#bucket.get(key);
    if (!extremes) {
      if (!Number.isNaN(value)) this.#bucket.set(key, { min: value, max: value, minAt: place, maxAt: place });
    } else if (value < extremes.min) {
      extremes.min = value;
      extremes.minAt = place;
    } else if (value > extremes.max) {
      extremes.max = value;
      extremes.maxAt = place;
    }
  }

  #closeBucket(): void {
    if (this.#bucket.size === 0 && this.#bucketFirst) this.#keep(this.#bucketFirst);
    for (const { minAt, maxAt } of this.#bucket.values()) {
      this.#keep(minAt);
      this.#keep(maxAt);
    }
    this.#bucket = new Map();
    this.#inBucket = 0;
  }

  #keep({ columns, i }: Place): void {
    const seq = columns.seqs[i]!;
    // One place stays free for the last point; only a query for more keys than points gets to this bound.
    if (this.#kept.has(seq) || this.#kept.size >= this.#maxPoints - 1) return;
    this.#kept.set(seq, pointAt(columns, i, this.#keys));
  }

  /** What was kept, in step order. */
  finish(): MetricPoint[] {
    if (this.#inBucket > 0) this.#closeBucket();
    if (this.#last) {
      const last = pointAt(this.#last.columns, this.#last.i, this.#keys);
      this.#kept.set(last.seq, last);
    }
    return [...this.#kept.values()].sort((a, b) => a.step - b.step || a.seq - b.seq);
  }
}
