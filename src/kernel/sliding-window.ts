import type { LimitReply, LimitRule } from "./ports/limiter.ts";

/** One key's uses in the window numbered `window` (epoch time divided by its length) and in the one before. */
export interface WindowCount {
  windowMs: number;
  window: number;
  current: number;
  previous: number;
}

/** The count as it stands in `window`: what was current becomes previous, what is older is forgotten. */
function countIn(window: number, windowMs: number, kept: WindowCount | undefined): WindowCount {
  // A clock set back must not open a fresh window.
  if (kept?.windowMs === windowMs && kept.window >= window) return kept;
  const previous = kept?.windowMs === windowMs && kept.window === window - 1 ? kept.current : 0;
  return { windowMs, window, current: 0, previous };
}

/** When a count no longer weighs anything, in epoch milliseconds. */
const endOf = ({ window, windowMs }: WindowCount): number => (window + 2) * windowMs;

/**
 * Sliding windows in memory, by key. The window before counts by the share of it that the sliding window still covers,
 * rounded down: the same sum as @upstash/ratelimit's, so that both limiters answer alike. Holds at most `capacity` keys
 * and forgets the one longest unused first.
 */
export class SlidingWindows {
  readonly #capacity: number;
  readonly #counts: Map<string, WindowCount>;

  constructor(capacity: number, counts: Iterable<[string, WindowCount]> = []) {
    this.#capacity = capacity;
    this.#counts = new Map(counts);
  }

  take(key: string, { limit, windowSeconds }: LimitRule, now: number, uses = 1): LimitReply {
    const windowMs = windowSeconds * 1000;
    const count = countIn(Math.floor(now / windowMs), windowMs, this.#counts.get(key));
    const passed = Math.max(0, now - count.window * windowMs);
    const used = Math.floor((1 - passed / windowMs) * count.previous) + count.current;
    const allowed = used + uses <= limit;
    if (allowed) count.current += uses;
    this.#keep(key, count);
    return {
      allowed,
      limit,
      remaining: Math.max(0, limit - used - (allowed ? uses : 0)),
      resetSeconds: Math.max(1, Math.ceil(((count.window + 1) * windowMs - now) / 1000)),
    };
  }

  #keep(key: string, count: WindowCount): void {
    this.#counts.delete(key);
    this.#counts.set(key, count);
    if (this.#counts.size <= this.#capacity) return;
    const oldest = this.#counts.keys().next();
    if (!oldest.done) this.#counts.delete(oldest.value);
  }

  /** Forgets what no longer counts; returns when the last of the rest will not, `undefined` when none is left. */
  sweep(now: number): number | undefined {
    let last: number | undefined;
    for (const [key, count] of this.#counts) {
      if (endOf(count) <= now) this.#counts.delete(key);
      else last = Math.max(last ?? 0, endOf(count));
    }
    return last;
  }

  entries(): [string, WindowCount][] {
    return [...this.#counts];
  }
}
