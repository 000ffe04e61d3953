/** Frames a link still owes the other side. */
interface Owed {
  seq: number;
  bytes: number;
  frame: string;
}

const MAX_BYTES = 4_000_000;

/**
 * Events in the order they happened, numbered from 1, each kept until it is acknowledged. Whoever reports faster than the
 * link carries away waits in `room`.
 */
export class Outbox {
  #seq = 0;
  #bytes = 0;
  #owed: Owed[] = [];
  #waiting: (() => void)[] = [];

  /** Keeps an event and returns its frame. */
  add(topic: string, data: unknown): string {
    const seq = ++this.#seq;
    const frame = JSON.stringify({ type: "event", seq, topic, data });
    this.#owed.push({ seq, bytes: frame.length, frame });
    this.#bytes += frame.length;
    return frame;
  }

  /** Settles once there is room for more. */
  async room(): Promise<void> {
    while (this.#bytes > MAX_BYTES) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  acknowledge(until: number): void {
    const kept = this.#owed.findIndex(({ seq }) => seq > until);
    const gone = kept === -1 ? this.#owed : this.#owed.slice(0, kept);
    this.#owed = this.#owed.slice(gone.length);
    for (const { bytes } of gone) this.#bytes -= bytes;
    if (this.#bytes <= MAX_BYTES) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** What has to be said again on a new connection. */
  owed(): string[] {
    return this.#owed.map(({ frame }) => frame);
  }
}
