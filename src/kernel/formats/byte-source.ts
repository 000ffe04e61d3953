/** A file that can be read in parts, wherever it lies. */
export interface ByteSource {
  size: number;
  /** Exactly `length` bytes from `start`; asking beyond the end is the caller's fault. */
  read(start: number, length: number): Promise<Uint8Array>;
  stream(start: number, length: number): ReadableStream<Uint8Array>;
}

/** The bytes are not the model they claim to be; the message is for the one who sent them. */
export class MalformedFile extends Error {}

/** A file in memory. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (start, length) => Promise.resolve(bytes.subarray(start, start + length)),
    stream: (start, length) =>
      new ReadableStream({
        start(controller) {
          if (length > 0) controller.enqueue(bytes.slice(start, start + length));
          controller.close();
        },
      }),
  };
}

/** The part of a file that begins at `offset`, as a file of its own. */
export const partOf = (source: ByteSource, offset: number, size: number): ByteSource => ({
  size,
  read: (start, length) => source.read(offset + start, length),
  stream: (start, length) => source.stream(offset + start, length),
});

/** `length` bytes from `start` where the file has them; a file that is too short is malformed. */
export function demand(source: ByteSource, start: number, length: number): Promise<Uint8Array> {
  if (start + length > source.size) throw new MalformedFile("the file ends too early");
  return source.read(start, length);
}

const BLOCK_BYTES = 256 * 1024;

/**
 * Reads a file forward in small pieces with few requests. Holds one block, so that a header of unknown length costs no
 * more memory than its largest field.
 */
export class Cursor {
  readonly #source: ByteSource;
  #at: number;
  #block: Uint8Array = new Uint8Array();
  #blockStart = 0;

  constructor(source: ByteSource, at = 0) {
    [this.#source, this.#at] = [source, at];
  }

  get position(): number {
    return this.#at;
  }

  skip(length: number): void {
    if (length > this.#source.size - this.#at) throw new MalformedFile("the file ends too early");
    this.#at += length;
  }

  async bytes(length: number): Promise<Uint8Array> {
    const start = this.#at;
    this.skip(length);
    const isHeld = start >= this.#blockStart && start + length <= this.#blockStart + this.#block.length;
    if (!isHeld) {
      const want = Math.min(Math.max(length, BLOCK_BYTES), this.#source.size - start);
      [this.#block, this.#blockStart] = [await this.#source.read(start, want), start];
    }
    const from = start - this.#blockStart;
    return this.#block.subarray(from, from + length);
  }

  async view(length: number): Promise<DataView> {
    const bytes = await this.bytes(length);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  async uint8(): Promise<number> {
    return (await this.bytes(1))[0]!;
  }

  async uint32(): Promise<number> {
    return (await this.view(4)).getUint32(0, true);
  }

  /** Below 2^53, as every length and offset of a file that exists is. */
  async uint64(): Promise<number> {
    const value = (await this.view(8)).getBigUint64(0, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new MalformedFile("a length is out of all proportion");
    return Number(value);
  }
}
