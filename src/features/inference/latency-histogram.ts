/** Upper bounds in milliseconds, both ends of what a prediction may take; the last bucket holds everything. */
export const BOUNDS_MS = [
  1,
  5,
  10,
  25,
  50,
  100,
  250,
  500,
  1000,
  2500,
  5000,
  10_000,
  Number.POSITIVE_INFINITY,
];

/** Counts per bucket (not cumulative) and the sum of all values, as stored. */
export interface StoredHistogram {
  counts: number[];
  sumMs: number;
}

/** A Prometheus-style histogram: it only ever grows. */
export class LatencyHistogram {
  readonly #counts: number[];
  #sumMs: number;

  constructor(stored?: StoredHistogram) {
    this.#counts = BOUNDS_MS.map((_, i) => stored?.counts[i] ?? 0);
    this.#sumMs = stored?.sumMs ?? 0;
  }

  get sumMs(): number {
    return this.#sumMs;
  }

  add(ms: number): void {
    const bucket = BOUNDS_MS.findIndex((bound) => ms <= bound);
    this.#counts[bucket]! += 1;
    this.#sumMs += ms;
  }

  /** How many values were at most each bound. */
  cumulative(): { le: number; count: number }[] {
    let count = 0;
    return BOUNDS_MS.map((le, i) => ({ le, count: (count += this.#counts[i]!) }));
  }

  dump(): StoredHistogram {
    return { counts: [...this.#counts], sumMs: this.#sumMs };
  }
}
