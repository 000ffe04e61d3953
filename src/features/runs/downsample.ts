import type { MetricPoint } from "../../kernel/ports/run-feeds.ts";
import { has, pointAt, type SequencedColumns } from "./metric-columns.ts";

/** Where a point lies; it is made an object only when it is kept. */
interface Place {
  columns: SequencedColumns;
  i: number;
}

/** What a bucket must show of a key: its smallest and largest finite value, the first and last that is not finite. */
class Extremes {
  #min = Infinity;
  #max = -Infinity;
  #minAt: Place | undefined;
  #maxAt: Place | undefined;
  #firstOdd: Place | undefined;
  #lastOdd: Place | undefined;

  widen(value: number, place: Place): void {
    if (!Number.isFinite(value)) {
      this.#firstOdd ??= place;
      this.#lastOdd = place;
      return;
    }
    if (value < this.#min) {
      this.#min = value;
      this.#minAt = place;
    }
    if (value > this.#max) {
      this.#max = value;
      this.#maxAt = place;
    }
  }

  places(): Place[] {
    return [this.#minAt, this.#maxAt, this.#firstOdd, this.#lastOdd].filter((place) => place !== undefined);
  }
}

/**
 * Reduces a stream of points in step order to at most `maxPoints`: the stream is cut into buckets, and of each the
 * points are kept that hold a key's extremes, so that no spike and no divergence disappears. The first and the last
 * point always stay. Only where `maxPoints` has no room for the extremes of all keys are there more.
 */
export class MinMaxSampler {
  readonly #keys: ReadonlySet<string> | undefined;
  readonly #total: number;
  readonly #maxPoints: number;
  readonly #kept = new Map<number, MetricPoint>();
  #keyCount: number;
  #bucketSize: number;
  #bucket = new Map<string, Extremes>();
  #inBucket = 0;
  #bucketFirst: Place | undefined;
  #seen = 0;
  #last: Place | undefined;

  /** `total` points are to come, carrying about `keyCount` different keys; more may turn up on the way. */
  constructor(total: number, keyCount: number, maxPoints: number, keys?: ReadonlySet<string>) {
    this.#total = total;
    this.#keys = keys;
    this.#maxPoints = maxPoints;
    this.#keyCount = Math.max(keyCount, 1);
    this.#bucketSize = this.#evenSize(maxPoints - 2);
  }

  /** The size of the buckets to come, when so many points may still be kept. */
  #evenSize(room: number): number {
    const buckets = Math.max(1, Math.floor(room / (2 * this.#keyCount)));
    return Math.ceil((this.#total - this.#seen) / buckets);
  }

  add(columns: SequencedColumns, i: number): void {
    const place = { columns, i };
    if (this.#last === undefined) this.#keep(place);
    if (this.#inBucket === 0) this.#bucketFirst = place;
    for (const series of columns.series) {
      if ((!this.#keys || this.#keys.has(series.key)) && has(series, i))
        this.#extremesOf(series.key).widen(series.values[i]!, place);
    }
    this.#last = place;
    this.#seen++;
    if (++this.#inBucket >= this.#bucketSize) this.#closeBucket();
  }

  #extremesOf(key: string): Extremes {
    let extremes = this.#bucket.get(key);
    if (!extremes) this.#bucket.set(key, (extremes = new Extremes()));
    return extremes;
  }

  #closeBucket(): void {
    const before = this.#kept.size;
    if (this.#bucket.size === 0 && this.#bucketFirst) this.#keep(this.#bucketFirst);
    for (const extremes of this.#bucket.values()) {
      for (const place of extremes.places()) this.#keep(place);
    }
    const planned = 2 * this.#keyCount;
    this.#keyCount = Math.max(this.#keyCount, this.#bucket.size);
    // More keys than known of, or values that are not finite: what is left has to do for the rest.
    if (this.#kept.size - before > planned || 2 * this.#keyCount > planned)
      this.#bucketSize = this.#evenSize(this.#maxPoints - 1 - this.#kept.size);
    this.#bucket = new Map();
    this.#inBucket = 0;
  }

  #keep({ columns, i }: Place): void {
    const seq = columns.seqs[i]!;
    if (!this.#kept.has(seq)) this.#kept.set(seq, pointAt(columns, i, this.#keys));
  }

  /** What was kept, in step order. */
  finish(): MetricPoint[] {
    if (this.#inBucket > 0) this.#closeBucket();
    if (this.#last) this.#keep(this.#last);
    return [...this.#kept.values()].sort((a, b) => a.step - b.step || a.seq - b.seq);
  }
}
