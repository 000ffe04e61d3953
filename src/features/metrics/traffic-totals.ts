import type { TrafficBatch, TrafficSeries, TrafficTotals } from "../../kernel/ports/traffic-board.ts";

/** What a board keeps. */
export interface StoredTraffic {
  since: number;
  series: TrafficSeries[];
  isolates: [id: string, seq: number, at: number][];
}

// Routes, methods and statuses are few; this only keeps a fault elsewhere from growing without end.
const MAX_SERIES = 2_000;
const ISOLATE_MS = 3_600_000;
const RECENT_MS = 60_000;

/** The sum of all batches, each counted once; pure, with the clock passed in. */
export class TrafficSums {
  readonly #since: number;
  readonly #series = new Map<string, TrafficSeries>();
  readonly #isolates = new Map<string, { seq: number; at: number }>();

  constructor(now: number, stored?: StoredTraffic) {
    this.#since = stored?.since ?? now;
    for (const series of stored?.series ?? []) this.#series.set(keyOf(series), series);
    for (const [id, seq, at] of stored?.isolates ?? []) this.#isolates.set(id, { seq, at });
  }

  /** Tells whether the batch was new. */
  add({ isolate, seq, series }: TrafficBatch, now: number): boolean {
    const last = this.#isolates.get(isolate)?.seq ?? 0;
    if (seq <= last) return false;
    this.#isolates.set(isolate, { seq, at: now });
    for (const one of series) this.#addSeries(one);
    return true;
  }

  totals(now: number): TrafficTotals {
    const recent = [...this.#isolates.values()].filter(({ at }) => now - at <= RECENT_MS);
    return { since: this.#since, isolates: recent.length, series: [...this.#series.values()] };
  }

  /** All there is to keep, without isolates long gone. */
  dump(now: number): StoredTraffic {
    for (const [id, { at }] of this.#isolates) if (now - at > ISOLATE_MS) this.#isolates.delete(id);
    return {
      since: this.#since,
      series: [...this.#series.values()],
      isolates: [...this.#isolates].map(([id, { seq, at }]) => [id, seq, at]),
    };
  }

  #addSeries(more: TrafficSeries): void {
    const key = keyOf(more);
    const series = this.#series.get(key);
    if (series) this.#series.set(key, sumOf(series, more));
    else if (this.#series.size < MAX_SERIES) this.#series.set(key, more);
  }
}

const keyOf = ({ method, route }: TrafficSeries): string => `${method} ${route}`;

function sumOf(a: TrafficSeries, b: TrafficSeries): TrafficSeries {
  const statuses = new Map(a.statuses);
  for (const [status, count] of b.statuses) statuses.set(status, (statuses.get(status) ?? 0) + count);
  return {
    ...a,
    statuses: [...statuses],
    buckets: a.buckets.map((count, i) => count + (b.buckets[i] ?? 0)),
    sumSeconds: a.sumSeconds + b.sumSeconds,
  };
}
