import { LATENCY_BOUNDS_SECONDS, type TrafficSeries } from "../../kernel/ports/traffic-board.ts";

interface Counts {
  statuses: Map<number, number>;
  buckets: number[];
  sumMs: number;
}

const BOUNDS_MS = LATENCY_BOUNDS_SECONDS.map((seconds) => seconds * 1000);
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

function bucketOf(ms: number): number {
  for (let i = 0; i < BOUNDS_MS.length; i++) if (ms <= BOUNDS_MS[i]!) return i;
  return BOUNDS_MS.length;
}

/** Counts of requests by method and route, in memory; makes nothing anew for a request of a kind it knows. */
export class TrafficCounts {
  #byMethod = new Map<string, Map<string, Counts>>();
  #isEmpty = true;

  count(method: string, route: string, status: number, ms: number): void {
    const counts = this.#countsOf(METHODS.has(method) ? method : "OTHER", route);
    counts.statuses.set(status, (counts.statuses.get(status) ?? 0) + 1);
    counts.buckets[bucketOf(ms)]! += 1;
    counts.sumMs += ms;
    this.#isEmpty = false;
  }

  /** What was counted since the last time; nothing where nothing was. */
  drain(): TrafficSeries[] {
    if (this.#isEmpty) return [];
    const series = [...this.#byMethod].flatMap(([method, routes]) =>
      [...routes].map(([route, { statuses, buckets, sumMs }]) => ({
        method,
        route,
        statuses: [...statuses],
        buckets,
        sumSeconds: sumMs / 1000,
      })),
    );
    this.#byMethod = new Map();
    this.#isEmpty = true;
    return series;
  }

  #countsOf(method: string, route: string): Counts {
    let routes = this.#byMethod.get(method);
    if (!routes) this.#byMethod.set(method, (routes = new Map()));
    let counts = routes.get(route);
    if (!counts) {
      counts = { statuses: new Map(), buckets: [...BOUNDS_MS.map(() => 0), 0], sumMs: 0 };
      routes.set(route, counts);
    }
    return counts;
  }
}
