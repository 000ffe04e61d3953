/** Requests of one kind: how they were answered, and how long that took. */
export interface TrafficSeries {
  method: string;
  /** The route's template, such as `/api/models/:id`; never an address somebody asked for. */
  route: string;
  statuses: [status: number, count: number][];
  /** Requests per bucket of `LATENCY_BOUNDS_SECONDS`, not cumulative; the last holds what is beyond them all. */
  buckets: number[];
  sumSeconds: number;
}

/** What one isolate counted since its last batch. The same batch may be sent again: its number tells. */
export interface TrafficBatch {
  isolate: string;
  seq: number;
  series: TrafficSeries[];
}

export interface TrafficTotals {
  /** Since when requests are counted, epoch milliseconds. */
  since: number;
  /** Isolates heard of within the last minute. */
  isolates: number;
  series: TrafficSeries[];
}

/** Where the isolates' counts are added up; totals it has told of never shrink. */
export interface TrafficBoard {
  add(batch: TrafficBatch): Promise<void>;
  read(): Promise<TrafficTotals>;
}

/** Upper bounds of the latency buckets. */
export const LATENCY_BOUNDS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
