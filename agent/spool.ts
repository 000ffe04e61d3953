import {
  closeSync,
  createReadStream,
  existsSync,
  openSync,
  readFileSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { createInterface } from "node:readline";

/**
 * What a process that cannot be run again has said, a line of JSON each, on disk before it is sent: after a restart of
 * the agent it is read from here what the process would otherwise have to say again.
 */
export class Spool<T> {
  readonly #path: string;
  #file: number | undefined;
  #isClosed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Throws when the disk is full, and once it was closed. */
  append(entry: T): void {
    if (this.#isClosed) throw new Error(`${this.#path} was closed`);
    this.#file ??= this.#open();
    writeSync(this.#file, `${JSON.stringify(entry)}\n`);
  }

  /** Whatever an earlier life of the agent wrote whole, in order. */
  async *replay(): AsyncGenerator<T> {
    if (!existsSync(this.#path)) return;
    this.#dropHalfLine();
    for await (const line of createInterface({ input: createReadStream(this.#path) }))
      yield JSON.parse(line) as T;
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#isClosed = true;
  }

  #open(): number {
    if (existsSync(this.#path)) this.#dropHalfLine();
    return openSync(this.#path, "a", 0o600);
  }

  /** The agent may have died in the middle of a line; nothing of it was sent. */
  #dropHalfLine(): void {
    const bytes = readFileSync(this.#path);
    const whole = bytes.lastIndexOf(0x0a) + 1;
    if (whole < bytes.length) truncateSync(this.#path, whole);
  }
}
