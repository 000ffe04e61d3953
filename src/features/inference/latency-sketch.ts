/** No quantile is further from the true one than this fraction of it (DDSketch, https://arxiv.org/abs/1908.10693). */
export const RELATIVE_ERROR = 0.01;

const GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
const LOG_GAMMA = Math.log(GAMMA);
// Clocks here are no finer than this; anything below counts as zero.
const FLOOR_MS = 0.001;

/** The sketch as it is stored: bucket and count in turn. */
export type StoredSketch = number[];

const ZERO = Number.MIN_SAFE_INTEGER;

const bucketOf = (ms: number): number => (ms <= FLOOR_MS ? ZERO : Math.ceil(Math.log(ms) / LOG_GAMMA));
const valueOf = (bucket: number): number => (bucket === ZERO ? 0 : (2 * GAMMA ** bucket) / (GAMMA + 1));

/** Latencies counted in buckets that grow by 2 %: constant memory, mergeable, quantiles within 1 %. */
export class LatencySketch {
  readonly #counts = new Map<number, number>();
  #count = 0;

  static from(stored: StoredSketch): LatencySketch {
    const sketch = new LatencySketch();
    for (let i = 0; i + 1 < stored.length; i += 2) sketch.#put(stored[i]!, stored[i + 1]!);
    return sketch;
  }

  get count(): number {
    return this.#count;
  }

  add(ms: number): void {
    this.#put(bucketOf(ms), 1);
  }

  merge(other: LatencySketch): void {
    for (const [bucket, count] of other.#counts) this.#put(bucket, count);
  }

  /** The nearest-rank quantile: the least value that `q` of all values do not exceed; `null` without values. */
  quantile(q: number): number | null {
    if (this.#count === 0) return null;
    let rank = Math.max(1, Math.ceil(q * this.#count));
    for (const bucket of [...this.#counts.keys()].sort((a, b) => a - b)) {
      rank -= this.#counts.get(bucket)!;
      if (rank <= 0) return valueOf(bucket);
    }
    return null;
  }

  dump(): StoredSketch {
    return [...this.#counts].flat();
  }

  #put(bucket: number, count: number): void {
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + count);
    this.#count += count;
  }
}
