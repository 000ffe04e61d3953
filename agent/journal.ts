import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { hasCode } from "./has-code.ts";

/** How far a stream of numbered lines has got: all below `acked` are stored; `sending` may or may not be. */
export interface Progress {
  acked: number;
  /** Up to which line the batch under way reaches; equal to `acked` when none is. */
  sending: number;
}

/**
 * A progress kept in a file, written before and after every batch. After a crash the batch that was under way is cut
 * again exactly as it was, so its idempotency key tells the server whether it has it already.
 */
export class Journal {
  readonly #path: string;
  readonly progress: Progress;

  constructor(path: string) {
    this.#path = path;
    this.progress = read(path);
  }

  begin(until: number): void {
    this.progress.sending = until;
    this.#write();
  }

  acknowledge(): void {
    this.progress.acked = this.progress.sending;
    this.#write();
  }

  #write(): void {
    const draft = `${this.#path}.draft`;
    writeFileSync(draft, JSON.stringify(this.progress));
    renameSync(draft, this.#path);
  }
}

function read(path: string): Progress {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Progress;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return { acked: 0, sending: 0 };
    throw error;
  }
}
