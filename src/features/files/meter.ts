import { toHex } from "../../kernel/secret.ts";

/** Counts and hashes a stream while it passes, and remembers if it was the source that broke. */
export class Meter {
  readonly stream: ReadableStream<Uint8Array>;
  bytes = 0;
  /** The source came to its end, early or not. */
  ended = false;
  sourceError: unknown;
  readonly #digest = new crypto.DigestStream("SHA-256");
  readonly #hashing = this.#digest.getWriter();
  #isCancelled = false;

  constructor(source: ReadableStream<Uint8Array>) {
    const reader = source.getReader();
    this.stream = new ReadableStream({
      pull: (controller) => this.#pass(reader, controller),
      cancel: (reason) => {
        this.#isCancelled = true;
        return reader.cancel(reason);
      },
    });
  }

  async #pass(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    controller: ReadableStreamDefaultController<Uint8Array>,
  ): Promise<void> {
    const { done, value } = await this.#read(reader);
    // Nobody reads on, so neither an end nor an error that comes now is the source's doing.
    if (this.#isCancelled) return;
    if (done) {
      this.ended = true;
      return controller.close();
    }
    this.bytes += value.length;
    await this.#hashing.write(value);
    controller.enqueue(value);
  }

  async #read(
    reader: ReadableStreamDefaultReader<Uint8Array>,
  ): Promise<ReadableStreamReadResult<Uint8Array>> {
    try {
      return await reader.read();
    } catch (error) {
      if (!this.#isCancelled) this.sourceError = error;
      throw error;
    }
  }

  /** SHA-256 of what passed, in hex. */
  async sha256(): Promise<string> {
    await this.#hashing.close();
    return toHex(new Uint8Array(await this.#digest.digest));
  }

  abandon(reason: unknown): Promise<void> {
    return this.#hashing.abort(reason);
  }
}
