/** Lets one piece of work run at a time, in order of asking; free when nobody is waiting. */
export class Turns {
  #taken = false;
  readonly #waiting: (() => void)[] = [];

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#taken) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#taken = true;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // The turn passes on without becoming free, so that nobody can slip in between.
      if (next) next();
      else this.#taken = false;
    }
  }
}
