import type { Journal } from "./journal.ts";

const MAX_BATCH = 1000;
/** The API takes bodies of up to 4 MB. */
const MAX_BATCH_BYTES = 2_000_000;
const GATHER_MS = 100;
/** More lines than this waiting means the server is slow or away: the source has to wait. */
const MAX_WAITING = 10_000;
const MAX_WAITING_BYTES = 16_000_000;

export interface DeliveryOptions<T> {
  journal: Journal;
  /** Stores the lines from number `first` up to, not including, `until`; those two name the batch for ever. */
  send(lines: T[], first: number, until: number): Promise<void>;
}

/**
 * Sends the numbered lines of one stream in batches, each exactly once: what the journal has as stored is skipped
 * when a restarted training says it again, and a batch that was under way is repeated just as it was.
 */
export class Delivery<T> {
  readonly #journal: Journal;
  readonly #send: DeliveryOptions<T>["send"];
  readonly #waiting: T[] = [];
  /** What each waiting line takes as JSON. */
  readonly #sizes: number[] = [];
  #waitingBytes = 0;
  #next = 0;
  #ended = false;
  #wake: (() => void) | undefined;
  #room: (() => void) | undefined;

  constructor({ journal, send }: DeliveryOptions<T>) {
    this.#journal = journal;
    this.#send = send;
  }

  /** Takes the next line; resolves when there is room for another. */
  async push(line: T): Promise<void> {
    if (this.#next++ < this.#journal.progress.acked) return;
    const bytes = Buffer.byteLength(JSON.stringify(line));
    this.#waiting.push(line);
    this.#sizes.push(bytes);
    this.#waitingBytes += bytes;
    this.#wake?.();
    if (this.#waiting.length >= MAX_WAITING || this.#waitingBytes >= MAX_WAITING_BYTES)
      await new Promise<void>((resolve) => (this.#room = resolve));
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Sends until the stream has ended and everything is stored; rejects with the first refusal. */
  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#gather(signal);
      const { acked, sending } = this.#journal.progress;
      const size = sending > acked ? sending - acked : this.#fitting();
      if (size === 0 || (this.#ended && this.#waiting.length === 0)) return;
      const batch = this.#waiting.slice(0, size);
      this.#journal.begin(acked + size);
      await this.#send(batch, acked, acked + size);
      this.#journal.acknowledge();
      this.#waiting.splice(0, size);
      for (const bytes of this.#sizes.splice(0, size)) this.#waitingBytes -= bytes;
      this.#room?.();
    }
  }

  /** How many of the first lines one request can carry. */
  #fitting(): number {
    let bytes = 0;
    const most = Math.min(this.#sizes.length, MAX_BATCH);
    for (let count = 0; count < most; count++) {
      bytes += this.#sizes[count]!;
      if (bytes > MAX_BATCH_BYTES && count > 0) return count;
    }
    return most;
  }

  /** Waits for a first line, then a moment for company; a batch to be repeated waits until it is whole. */
  async #gather(signal: AbortSignal): Promise<void> {
    const { acked, sending } = this.#journal.progress;
    const needed = Math.max(1, sending - acked);
    let deadline: number | undefined;
    while (!this.#ended && this.#waiting.length < MAX_BATCH) {
      if (this.#waiting.length >= needed) deadline ??= performance.now() + GATHER_MS;
      const left = deadline === undefined ? undefined : deadline - performance.now();
      if (left !== undefined && left <= 0) return;
      await this.#change(left, signal);
    }
  }

  async #change(timeoutMs: number | undefined, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    let timer: NodeJS.Timeout | undefined;
    let stop: (() => void) | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      stop = resolve;
      signal.addEventListener("abort", stop, { once: true });
      if (timeoutMs !== undefined) timer = setTimeout(resolve, timeoutMs);
    });
    clearTimeout(timer);
    signal.removeEventListener("abort", stop!);
    signal.throwIfAborted();
  }
}
