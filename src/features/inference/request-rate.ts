const WINDOW_SECONDS = 60;

/** Requests per second over the last minute, from one count for each of its seconds. */
export class RequestRate {
  readonly #counts = new Float64Array(WINDOW_SECONDS);
  readonly #seconds = new Float64Array(WINDOW_SECONDS);

  add(now: number): void {
    const second = Math.floor(now / 1000);
    const slot = second % WINDOW_SECONDS;
    if (this.#seconds[slot] !== second) {
      this.#seconds[slot] = second;
      this.#counts[slot] = 0;
    }
    this.#counts[slot]! += 1;
  }

  /** The mean over the window, or over the time since `startedAt` where that is shorter (but at least a second). */
  perSecond(now: number, startedAt: number): number {
    const second = Math.floor(now / 1000);
    let count = 0;
    for (let slot = 0; slot < WINDOW_SECONDS; slot++) {
      if (this.#seconds[slot]! > second - WINDOW_SECONDS) count += this.#counts[slot]!;
    }
    return count / Math.min(WINDOW_SECONDS, Math.max(1, (now - startedAt) / 1000));
  }

  /** Second and count in turn, without the empty ones. */
  dump(): number[] {
    return [...this.#seconds].flatMap((second, slot) => (second > 0 ? [second, this.#counts[slot]!] : []));
  }

  static from(stored: number[]): RequestRate {
    const rate = new RequestRate();
    for (let i = 0; i + 1 < stored.length; i += 2) {
      const slot = stored[i]! % WINDOW_SECONDS;
      rate.#seconds[slot] = stored[i]!;
      rate.#counts[slot] = stored[i + 1]!;
    }
    return rate;
  }
}
