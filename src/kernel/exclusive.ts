const nothing = () => undefined;

/** Runs one piece of work after the other, in the order they came; one that fails does not hold up the next. */
export class Exclusive {
  #last: Promise<void> | undefined;

  /** Whether something runs or waits to. */
  get busy(): boolean {
    return this.#last !== undefined;
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = (this.#last ?? Promise.resolve()).then(work);
    const over = result.then(nothing, nothing).then(() => {
      if (this.#last === over) this.#last = undefined;
    });
    this.#last = over;
    return result;
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#last) await this.#last;
  }
}
