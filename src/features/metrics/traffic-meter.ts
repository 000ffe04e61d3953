import type { Log } from "../../kernel/log.ts";
import type { TrafficBatch, TrafficBoard, TrafficTotals } from "../../kernel/ports/traffic-board.ts";
import { TrafficCounts } from "./traffic-counts.ts";

const TELL_DELAY_MS = 5_000;
/** After so long a telling that was promised is not to come: the request it hung on was cut off. */
const LOST_MS = 20_000;

/**
 * Counts the requests of this isolate and tells the board of them: once for all that came within five seconds, after the
 * answers. What could not be told is told again under the same number, so that nothing is counted twice.
 */
export class TrafficMeter {
  readonly #board: TrafficBoard;
  readonly #log: Log;
  readonly #isolate: string;
  readonly #delayMs: number;
  readonly #counts = new TrafficCounts();
  #promisedAt = Number.NEGATIVE_INFINITY;
  #seq = 0;
  #untold: TrafficBatch | undefined;

  constructor(board: TrafficBoard, log: Log, isolate: string, delayMs = TELL_DELAY_MS) {
    this.#board = board;
    this.#log = log;
    this.#isolate = isolate;
    this.#delayMs = delayMs;
  }

  /** `now` and `ms` by the wall clock, which in a Worker moves only while it waits for something. */
  count(
    request: { method: string; route: string; status: number; ms: number },
    now: number,
    waitUntil: (work: Promise<void>) => void,
  ): void {
    this.#counts.count(request.method, request.route, request.status, request.ms);
    if (now - this.#promisedAt < LOST_MS) return;
    this.#promisedAt = now;
    waitUntil(this.#tellLater());
  }

  /** All isolates' counts, this one's up to now among them. */
  async totals(): Promise<TrafficTotals> {
    await this.#tell();
    return this.#board.read();
  }

  async #tellLater(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.#delayMs));
    this.#promisedAt = Number.NEGATIVE_INFINITY;
    try {
      await this.#tell();
    } catch (error) {
      this.#log("warn", "metrics.board_unreachable", { error });
    }
  }

  /** First what could not be told, as it was; what came since only once that is through. */
  async #tell(): Promise<void> {
    if (this.#untold) await this.#send(this.#untold);
    if (this.#untold) return;
    const series = this.#counts.drain();
    if (series.length === 0) return;
    this.#untold = { isolate: this.#isolate, seq: ++this.#seq, series };
    await this.#send(this.#untold);
  }

  async #send(batch: TrafficBatch): Promise<void> {
    await this.#board.add(batch);
    // Somebody else may have told the same meanwhile, and begun with the next.
    if (this.#untold === batch) this.#untold = undefined;
  }
}
