/**
 * A figure that is dear to find out: asked for in the background, at most every so often, and never twice at once. What
 * could not be found out is `unknown` again, not what it was before.
 */
export class Slow<T> {
  readonly #everyMs: number;
  readonly #unknown: T;
  readonly #find: () => Promise<T>;
  #value: T;
  #askedAt = Number.NEGATIVE_INFINITY;
  #isAsking = false;

  readonly #complain: (error: unknown) => void;

  constructor(everyMs: number, unknown: T, find: () => Promise<T>, complain: (error: unknown) => void) {
    this.#complain = complain;
    this.#everyMs = everyMs;
    this.#unknown = unknown;
    this.#value = unknown;
    this.#find = find;
  }

  /** The last answer, at once; `now` in milliseconds of a clock that only runs forward. */
  latest(now: number): T {
    if (!this.#isAsking && now - this.#askedAt >= this.#everyMs) void this.#ask(now);
    return this.#value;
  }

  async #ask(now: number): Promise<void> {
    this.#isAsking = true;
    this.#askedAt = now;
    this.#value = await this.#find().catch((error: unknown) => {
      this.#complain(error);
      return this.#unknown;
    });
    this.#isAsking = false;
  }
}
