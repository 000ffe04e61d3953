import { joinCharacters } from "../../kernel/terminal-frames.ts";
import { castEvent, type CastEvent } from "./asciicast.ts";
import type { Recording } from "./recording-store.ts";

const encoder = new TextEncoder();

/** Lines one after the other, as bytes. */
export function concat(pieces: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** One recording as it grows, with the lines that are not written down yet. */
export class RecordingTape {
  readonly recording: Recording;
  /** Place up to which output is written down. */
  keptUntil: number;
  #lines: Uint8Array[] = [];
  #waitingBytes = 0;

  constructor(recording: Recording) {
    this.recording = recording;
    this.keptUntil = recording.next ?? 0;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  start(header: string): void {
    this.#push(encoder.encode(header));
  }

  /** Output from `offset` on; what was heard before counts once. */
  say(offset: number, bytes: Uint8Array, now: number): void {
    const { recording } = this;
    const next = recording.next ?? offset;
    if (offset > next) this.#add("m", `${offset - next} bytes of output are missing here`, now);
    const known = Math.max(0, next - offset);
    if (known >= bytes.length) return;
    const joined = joinCharacters(Uint8Array.from(recording.rest), bytes.subarray(known));
    recording.rest = [...joined.rest];
    recording.next = offset + bytes.length;
    if (joined.text !== "") this.#add("o", joined.text, now);
  }

  resize(columns: number, rows: number, now: number): void {
    const { recording } = this;
    if (recording.columns === columns && recording.rows === rows) return;
    [recording.columns, recording.rows] = [columns, rows];
    this.#add("r", `${columns}x${rows}`, now);
  }

  end(reason: string, now: number): void {
    const { recording } = this;
    // A character that was never finished is one that cannot be read.
    if (recording.rest.length > 0) this.#add("o", "\ufffd", now);
    recording.rest = [];
    recording.end = { at: now, reason };
  }

  /** Hands over what is to be written down. */
  take(): Uint8Array | undefined {
    if (this.#lines.length === 0) return undefined;
    const bytes = concat(this.#lines);
    this.#lines = [];
    this.#waitingBytes = 0;
    return bytes;
  }

  #add(event: CastEvent, data: string, now: number): void {
    const { recording } = this;
    if (recording.isTruncated) return;
    recording.lastMs = Math.max(recording.lastMs, now - recording.startedAt);
    const line = encoder.encode(castEvent(recording.lastMs, event, data));
    if (recording.bytes + line.length <= recording.maxBytes) return this.#push(line);
    recording.isTruncated = true;
    this.#push(encoder.encode(castEvent(recording.lastMs, "m", "truncated")));
  }

  #push(line: Uint8Array): void {
    this.recording.bytes += line.length;
    this.#waitingBytes += line.length;
    this.#lines.push(line);
  }
}
