import { StringDecoder } from "node:string_decoder";

export interface LineOptions {
  /** Bytes of the stream that are read as lines, each of which costs 64 more; what is beyond is thrown away. */
  budget: { left: number };
  /** Called once, when the budget is used up. */
  onBudgetSpent(): Promise<void>;
  take(line: string): Promise<void>;
}

/** What a line costs besides its bytes: stored, an empty one takes room too. */
const LINE_COST = 64;

/** Longest line that is kept whole, in characters; the API takes messages of 16,384. */
export const MAX_LINE = 16_000;
const CUT = " … [line cut]";

/**
 * Cuts a stream into lines in constant memory: overlong lines lose their end, and a stream that says too much is read on
 * and forgotten, so that whoever writes it is not held up. Bytes that are no UTF-8 become replacement characters.
 */
export class Lines {
  readonly #options: LineOptions;
  readonly #decoder = new StringDecoder("utf8");
  #line = "";
  #isSpent = false;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  async write(chunk: Buffer): Promise<void> {
    const { budget } = this.#options;
    if (this.#isSpent) return;
    const kept = chunk.subarray(0, Math.max(0, budget.left));
    budget.left -= kept.length;
    await this.#feed(this.#decoder.write(kept));
    if (kept.length === chunk.length) return;
    this.#isSpent = true;
    await this.#endLine();
    await this.#options.onBudgetSpent();
  }

  async end(): Promise<void> {
    if (this.#isSpent) return;
    await this.#feed(this.#decoder.end());
    await this.#endLine();
  }

  async #feed(text: string): Promise<void> {
    const parts = text.split("\n");
    for (const [i, part] of parts.entries()) {
      // One character more than fits shows that something was cut.
      if (this.#line.length <= MAX_LINE) this.#line += part.slice(0, MAX_LINE + 1 - this.#line.length);
      if (i < parts.length - 1) await this.#flush();
    }
  }

  async #endLine(): Promise<void> {
    if (this.#line !== "") await this.#flush();
  }

  async #flush(): Promise<void> {
    const line = this.#line;
    this.#line = "";
    this.#options.budget.left -= LINE_COST;
    await this.#options.take(line.length > MAX_LINE ? line.slice(0, MAX_LINE) + CUT : line);
  }
}
