const KEPT_BYTES = 256_000;

/** The last of what a terminal said, each byte under its place in the whole. */
export class Scrollback {
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #end = 0;

  /** Place of the byte that will come next. */
  get end(): number {
    return this.#end;
  }

  add(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#end += chunk.length;
    while (this.#bytes - this.#chunks[0]!.length >= KEPT_BYTES) this.#bytes -= this.#chunks.shift()!.length;
  }

  /** What is kept from `offset` on, and where it begins: later than asked for when that is gone. */
  from(offset: number): { offset: number; bytes: Uint8Array } {
    const start = this.#end - this.#bytes;
    const begin = Math.min(Math.max(offset, start), this.#end);
    return { offset: begin, bytes: Buffer.concat(this.#chunks).subarray(begin - start) };
  }
}
