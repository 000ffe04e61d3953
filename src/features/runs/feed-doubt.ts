import type { FeedStore } from "./feed-store.ts";

const FACT = "doubt_until";
// A write whose answer never came may still be under way; nobody waits for one this long.
const LASTS_MS = 60_000;

/** Whether a feed may rely on what it knows of its run's row. Outlives the object, so that a kill -9 settles nothing. */
export class FeedDoubt {
  readonly #store: FeedStore;
  #until: number | undefined;

  constructor(store: FeedStore) {
    this.#store = store;
    this.#until = store.fact<number>(FACT);
  }

  get open(): boolean {
    return this.#until !== undefined;
  }

  /** Before a write to the row whose answer may get lost. */
  raise(now: number): void {
    this.#until = now + LASTS_MS;
    this.#store.setFact(FACT, this.#until);
  }

  /** With the answer to that write, or a status that is final. */
  settle(): void {
    if (this.#until === undefined) return;
    this.#until = undefined;
    this.#store.dropFact(FACT);
  }

  /** With the row read again: an old doubt ends there. */
  settleIfOld(now: number): void {
    if (this.#until !== undefined && now > this.#until) this.settle();
  }
}
