import type { MinuteFigures } from "../../kernel/ports/model-pools.ts";
import type { Outcome } from "./figures.ts";
import { LatencySketch, type StoredSketch } from "./latency-sketch.ts";

const MINUTE_MS = 60_000;
// What is kept of minutes that could not be written yet; older ones are given up.
const MAX_CLOSED = 240;

export const minuteOf = (now: number): number => Math.floor(now / MINUTE_MS) * MINUTE_MS;
export const nextMinute = (now: number): number => minuteOf(now) + MINUTE_MS;

export interface StoredMinutes {
  minute: number;
  success: number;
  error: number;
  sketch: StoredSketch;
  isDue: boolean;
  closed: MinuteFigures[];
}

/** One endpoint's traffic by the minute, until it is written down. It outlives a stop, so that no minute is cut in two. */
export class MinuteLog {
  readonly #endpointId: string;
  #minute: number;
  #success: number;
  #error: number;
  #sketch: LatencySketch;
  /** Whether the present minute has something that is not written yet. */
  #isDue: boolean;
  #closed: MinuteFigures[];

  constructor(endpointId: string, stored?: StoredMinutes) {
    this.#endpointId = endpointId;
    this.#minute = stored?.minute ?? 0;
    this.#success = stored?.success ?? 0;
    this.#error = stored?.error ?? 0;
    this.#sketch = LatencySketch.from(stored?.sketch ?? []);
    this.#isDue = stored?.isDue ?? false;
    this.#closed = stored?.closed ?? [];
  }

  record(outcome: Outcome, latencyMs: number | null, now: number): void {
    if (outcome === "refused") return;
    this.#roll(now);
    if (outcome === "success") this.#success += 1;
    else this.#error += 1;
    if (latencyMs !== null) this.#sketch.add(latencyMs);
    this.#isDue = true;
  }

  /** Minutes to write: the past ones, and with `evenUnfinished` the present one as far as it is known. */
  due(now: number, evenUnfinished = false): MinuteFigures[] {
    this.#roll(now);
    return evenUnfinished && this.#isDue ? [...this.#closed, this.#row()] : this.#closed;
  }

  /** Forgets rows that were written. The present minute stays, and is written again if more happens in it. */
  written(rows: readonly MinuteFigures[]): void {
    const minutes = new Set(rows.map(({ minute }) => minute));
    this.#closed = this.#closed.filter(({ minute }) => !minutes.has(minute));
    const present = rows.find(({ minute }) => minute === this.#minute);
    if (present?.requestsSuccess === this.#success && present.requestsError === this.#error)
      this.#isDue = false;
  }

  /** Whether nothing is left that has to be kept. */
  isSettled(now: number): boolean {
    this.#roll(now);
    return this.#closed.length === 0 && this.#success + this.#error === 0;
  }

  dump(): StoredMinutes {
    return {
      minute: this.#minute,
      success: this.#success,
      error: this.#error,
      sketch: this.#sketch.dump(),
      isDue: this.#isDue,
      closed: this.#closed,
    };
  }

  #roll(now: number): void {
    const minute = minuteOf(now);
    if (minute === this.#minute) return;
    if (this.#isDue) this.#closed = [...this.#closed, this.#row()].slice(-MAX_CLOSED);
    this.#minute = minute;
    this.#success = 0;
    this.#error = 0;
    this.#sketch = new LatencySketch();
    this.#isDue = false;
  }

  #row(): MinuteFigures {
    return {
      endpointId: this.#endpointId,
      minute: this.#minute,
      requestsSuccess: this.#success,
      requestsError: this.#error,
      p50: this.#sketch.quantile(0.5),
      p95: this.#sketch.quantile(0.95),
      p99: this.#sketch.quantile(0.99),
    };
  }
}
