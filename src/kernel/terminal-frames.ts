/**
 * The bytes of terminals between an agent and its link: kind (1 byte), channel (4, big-endian), offset (8, a double), then
 * the bytes. `output` and `input` say where their first byte stands in all the terminal has said or was told, so that what
 * comes twice shows; `credit` says up to where the other side has it.
 */
export const FrameKind = { output: 1, input: 2, credit: 3 } as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

export interface TerminalFrame {
  kind: FrameKind;
  channel: number;
  offset: number;
  bytes: Uint8Array;
}

const HEAD_BYTES = 13;
const KINDS: readonly number[] = Object.values(FrameKind);

export function encodeFrame({ kind, channel, offset, bytes }: TerminalFrame): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(HEAD_BYTES + bytes.length);
  const view = new DataView(frame.buffer);
  view.setUint8(0, kind);
  view.setUint32(1, channel);
  view.setFloat64(5, offset);
  frame.set(bytes, HEAD_BYTES);
  return frame;
}

/** Nothing for what is no frame. */
export function decodeFrame(frame: Uint8Array): TerminalFrame | undefined {
  if (frame.length < HEAD_BYTES || !KINDS.includes(frame[0]!)) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset);
  const offset = view.getFloat64(5);
  if (!Number.isSafeInteger(offset) || offset < 0) return undefined;
  return {
    kind: frame[0] as FrameKind,
    channel: view.getUint32(1),
    offset,
    bytes: frame.subarray(HEAD_BYTES),
  };
}

/** How many bytes from the start are whole UTF-8 characters; the rest may be the beginning of one. */
export function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0b1100_0000) === 0b1000_0000) continue;
    const length = byte >= 0b1111_0000 ? 4 : byte >= 0b1110_0000 ? 3 : byte >= 0b1100_0000 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

// A byte order mark is a character here like any other.
const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

/** Text cut anywhere, put together again: what is whole, and the bytes that wait for the rest of their character. */
export function joinCharacters(rest: Uint8Array, bytes: Uint8Array): { text: string; rest: Uint8Array } {
  const all = new Uint8Array(rest.length + bytes.length);
  all.set(rest);
  all.set(bytes, rest.length);
  const whole = wholeCharacters(all);
  return { text: decoder.decode(all.subarray(0, whole)), rest: all.slice(whole) };
}
