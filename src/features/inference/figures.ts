import type { EndpointFigures } from "../../kernel/ports/model-pools.ts";
import { LatencyHistogram, type StoredHistogram } from "./latency-histogram.ts";
import { LatencySketch, type StoredSketch } from "./latency-sketch.ts";
import { RequestRate } from "./request-rate.ts";

/**
 * How a call ended. `error`: the input was invalid, the model failed, or time ran out. `refused`: the endpoint was full;
 * such calls are counted on their own, since they say something of the load and nothing of the model.
 */
export type Outcome = "success" | "error" | "refused";

export interface StoredFigures {
  startedAt: number;
  success: number;
  error: number;
  refused: number;
  histogram: StoredHistogram;
  sketch: StoredSketch;
  rate: number[];
}

/** The running totals of one endpoint since its start; pure, with the clock passed in. */
export class Figures {
  readonly startedAt: number;
  readonly #histogram: LatencyHistogram;
  readonly #sketch: LatencySketch;
  readonly #rate: RequestRate;
  #success: number;
  #error: number;
  #refused: number;

  constructor(startedAt: number, stored?: StoredFigures) {
    this.startedAt = stored?.startedAt ?? startedAt;
    this.#success = stored?.success ?? 0;
    this.#error = stored?.error ?? 0;
    this.#refused = stored?.refused ?? 0;
    this.#histogram = new LatencyHistogram(stored?.histogram);
    this.#sketch = LatencySketch.from(stored?.sketch ?? []);
    this.#rate = RequestRate.from(stored?.rate ?? []);
  }

  get success(): number {
    return this.#success;
  }

  get error(): number {
    return this.#error;
  }

  get measured(): number {
    return this.#sketch.count;
  }

  get sumMs(): number {
    return this.#histogram.sumMs;
  }

  /** Counts one call; `latencyMs` only for calls that ran, so that quick refusals do not flatter the latencies. */
  record(outcome: Outcome, latencyMs: number | null, now: number): void {
    if (outcome === "refused") {
      this.#refused += 1;
      return;
    }
    if (outcome === "success") this.#success += 1;
    else this.#error += 1;
    this.#rate.add(now);
    if (latencyMs === null) return;
    this.#histogram.add(latencyMs);
    this.#sketch.add(latencyMs);
  }

  read(now: number, inFlight: number): EndpointFigures {
    const total = this.#success + this.#error;
    return {
      requestsSuccess: this.#success,
      requestsError: this.#error,
      requestsRefused: this.#refused,
      errorRate: total > 0 ? this.#error / total : null,
      rps: this.#rate.perSecond(now, this.startedAt),
      p50: this.#sketch.quantile(0.5),
      p95: this.#sketch.quantile(0.95),
      p99: this.#sketch.quantile(0.99),
      mean: this.measured > 0 ? this.sumMs / this.measured : null,
      uptimeSeconds: Math.max(0, Math.floor((now - this.startedAt) / 1000)),
      histogram: this.#histogram.cumulative(),
      sumMs: this.sumMs,
      inFlight,
    };
  }

  dump(): StoredFigures {
    return {
      startedAt: this.startedAt,
      success: this.#success,
      error: this.#error,
      refused: this.#refused,
      histogram: this.#histogram.dump(),
      sketch: this.#sketch.dump(),
      rate: this.#rate.dump(),
    };
  }
}
