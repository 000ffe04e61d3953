/** Does one thing after the other; what takes longer than `patienceMs` holds up what comes after no longer than that. */
export class InTurn {
  readonly #patienceMs: number;
  #last: Promise<unknown> = Promise.resolve();

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** Settles when it was done, or was waited for long enough; `work` never throws. */
  add(work: () => Promise<void>): Promise<unknown> {
    this.#last = this.#last.then(() => this.#patiently(work()));
    return this.#last;
  }

  async #patiently(work: Promise<void>): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const impatience = setTimeout(resolve, this.#patienceMs);
    await Promise.race([work, late]);
    clearTimeout(impatience);
  }
}
