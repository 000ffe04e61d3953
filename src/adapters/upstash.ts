import { Ratelimit } from "@upstash/ratelimit";
import { Redis } from "@upstash/redis/cloudflare";
import type { Limiter, LimitRule } from "../kernel/ports/limiter.ts";

export interface UpstashOptions {
  url: string;
  token: string;
}

// A refusal of the library's own: it would let everybody pass when Redis takes longer.
const TIMEOUT_MS = 2_000;

/** Rate limits in Upstash's Redis (or what speaks its REST protocol), keys under `myelin:limit`. Throws when it is out. */
export function createUpstashLimiter({ url, token }: UpstashOptions): Limiter {
  const redis = new Redis({ url, token, retry: false, enableTelemetry: false });
  const limiters = new Map<string, Ratelimit>();

  const limiterOf = ({ limit, windowSeconds }: LimitRule): Ratelimit => {
    const name = `${limit}/${windowSeconds}`;
    const limiter =
      limiters.get(name) ??
      new Ratelimit({
        redis,
        limiter: Ratelimit.slidingWindow(limit, `${windowSeconds} s`),
        prefix: "myelin:limit",
        timeout: TIMEOUT_MS,
        // It would hold a refused key back to the end of its window, in one isolate and not in the others.
        ephemeralCache: false,
      });
    limiters.set(name, limiter);
    return limiter;
  };

  return {
    async take(key, rule, uses = 1) {
      const reply = await limiterOf(rule).limit(key, { rate: uses });
      if (reply.reason === "timeout") throw new Error(`Redis did not answer within ${TIMEOUT_MS} ms`);
      return {
        allowed: reply.success,
        limit: reply.limit,
        remaining: reply.remaining,
        resetSeconds: Math.max(1, Math.ceil((reply.reset - Date.now()) / 1000)),
      };
    },
  };
}
