import type { Limiter, LimitReply, LimitRule } from "./ports/limiter.ts";
import { SlidingWindows } from "./sliding-window.ts";

const MAX_KEYS = 10_000;
const REPORT_MS = 1_000;
// A twentieth of the limit at a time: the more isolates, the more may slip through, by that much each.
const REPORT_SHARE = 20;

interface Unreported {
  uses: number;
  since: number;
}

/**
 * A limit for everything: decided in memory, so that no request waits for a store, and told to the shared store in
 * batches, whose refusal then holds here too. Exact within one isolate; across several it allows up to a twentieth of the
 * limit more for each.
 */
export class LocalFirstLimiter {
  readonly #store: Limiter;
  readonly #here = new SlidingWindows(MAX_KEYS);
  readonly #unreported = new Map<string, Unreported>();
  readonly #refused = new Map<string, number>();

  constructor(store: Limiter) {
    this.#store = store;
  }

  /** Decides now; `later` takes what is still to be told to the store. */
  take(key: string, rule: LimitRule, now: number, later: (work: Promise<void>) => void): LimitReply {
    const until = this.#refused.get(key);
    if (until !== undefined && until > now) {
      const resetSeconds = Math.ceil((until - now) / 1000);
      return { allowed: false, limit: rule.limit, remaining: 0, resetSeconds };
    }
    if (until !== undefined) this.#refused.delete(key);
    const reply = this.#here.take(key, rule, now);
    if (reply.allowed) this.#count(key, rule, now, later);
    return reply;
  }

  #count(key: string, rule: LimitRule, now: number, later: (work: Promise<void>) => void): void {
    const { uses, since } = this.#unreported.get(key) ?? { uses: 0, since: now };
    const isDue = uses + 1 >= rule.limit / REPORT_SHARE || now - since >= REPORT_MS;
    if (!isDue) return void this.#remember(key, { uses: uses + 1, since });
    this.#unreported.delete(key);
    later(this.#report(key, rule, uses + 1, now));
  }

  #remember(key: string, unreported: Unreported): void {
    // Whoever comes from ever new addresses only makes us forget small change.
    if (this.#unreported.size >= MAX_KEYS) this.#unreported.clear();
    this.#unreported.set(key, unreported);
  }

  async #report(key: string, rule: LimitRule, uses: number, now: number): Promise<void> {
    const { allowed, resetSeconds } = await this.#store.take(key, rule, uses);
    if (allowed) return;
    if (this.#refused.size >= MAX_KEYS) this.#refused.clear();
    this.#refused.set(key, now + resetSeconds * 1000);
  }
}
