import type { Log } from "../kernel/log.ts";
import type { Limiter, LimitReply, LimitRule } from "../kernel/ports/limiter.ts";
import { SlidingWindows } from "../kernel/sliding-window.ts";

const MAX_KEYS = 10_000;
const TIMEOUT_MS = 2_500;
// How long a store that failed is left alone, so that its outage does not slow every request down.
const PAUSE_MS = 5_000;

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A limiter that never fails: while `store` is out, this isolate counts by itself. Each isolate then allows the whole
 * limit on its own, which bounds an outage at the limit times the number of isolates.
 */
export function withFallback(store: Limiter, log: Log, now: () => number = Date.now): Limiter {
  const here = new SlidingWindows(MAX_KEYS);
  let pausedUntil = 0;
  return {
    async take(key: string, rule: LimitRule, uses?: number): Promise<LimitReply> {
      if (now() >= pausedUntil) {
        try {
          return await inTime(store.take(key, rule, uses));
        } catch (error) {
          pausedUntil = now() + PAUSE_MS;
          log("error", "limiter.store_failed", { error, paused_ms: PAUSE_MS });
        }
      }
      return here.take(key, rule, now(), uses);
    },
  };
}
