import { encodeFrame, FrameKind } from "../../kernel/terminal-frames.ts";

interface Stream {
  channel: number;
  /** Place of the first byte the agent is not known to have; `null` until it has said what it has. */
  taken: number | null;
  waiting: Uint8Array[];
  bytes: number;
}

/** So much may be typed on a line that is cut. */
const MOST_WAITING_BYTES = 1_000_000;
const AWAKE_MS = 5_000;

/**
 * What was typed and the agent does not have yet. It is in memory alone, since passwords are typed, and the object is kept
 * awake by it for that long.
 */
export class TerminalInput {
  readonly #send: (frame: Uint8Array) => void;
  readonly #streams = new Map<string, Stream>();
  #awake: ReturnType<typeof setInterval> | undefined;

  constructor(send: (frame: Uint8Array) => void) {
    this.#send = send;
  }

  /** Place of the next byte that will be typed, where it is known. */
  place(terminal: string): number | null {
    const stream = this.#streams.get(terminal);
    return stream && stream.taken !== null ? stream.taken + stream.bytes : null;
  }

  /** `place` is that of the first of `bytes`, as far as the one who types knows. `false` when too much waits already. */
  type(terminal: string, channel: number, place: number | null, bytes: Uint8Array): boolean {
    const stream = this.#streams.get(terminal) ?? { channel, taken: place, waiting: [], bytes: 0 };
    if (stream.bytes + bytes.length > MOST_WAITING_BYTES) return false;
    this.#streams.set(terminal, stream);
    const { taken } = stream;
    if (taken !== null) this.#say(stream, taken + stream.bytes, bytes);
    stream.waiting.push(bytes);
    stream.bytes += bytes.length;
    this.#awake ??= setInterval(() => {}, AWAKE_MS);
    return true;
  }

  /** The agent says how much it has been told in all. */
  know(terminal: string, channel: number, typed: number): void {
    const stream = this.#streams.get(terminal);
    if (!stream) this.#streams.set(terminal, { channel, taken: typed, waiting: [], bytes: 0 });
    else if (stream.taken === null) {
      stream.taken = typed;
      this.#repeat(stream);
    }
  }

  /** The agent has everything before `offset`. */
  took(channel: number, offset: number): void {
    for (const stream of this.#streams.values()) if (stream.channel === channel) drop(stream, offset);
    this.#rest();
  }

  /** The agent is there again, and may not have heard it. */
  repeat(): void {
    for (const stream of this.#streams.values()) this.#repeat(stream);
  }

  forget(terminal: string): void {
    this.#streams.delete(terminal);
    this.#rest();
  }

  #repeat({ channel, taken, waiting }: Stream): void {
    if (taken === null) return;
    let at = taken;
    for (const bytes of waiting) {
      this.#say({ channel }, at, bytes);
      at += bytes.length;
    }
  }

  #say({ channel }: Pick<Stream, "channel">, offset: number, bytes: Uint8Array): void {
    this.#send(encodeFrame({ kind: FrameKind.input, channel, offset, bytes }));
  }

  #rest(): void {
    if ([...this.#streams.values()].some(({ bytes }) => bytes > 0)) return;
    clearInterval(this.#awake);
    this.#awake = undefined;
  }
}

function drop(stream: Stream, offset: number): void {
  while (stream.taken !== null && stream.waiting[0]) {
    const first = stream.waiting[0];
    if (stream.taken + first.length > offset) return;
    stream.taken += first.length;
    stream.bytes -= first.length;
    stream.waiting.shift();
  }
}
