import { createMiddleware } from "hono/factory";
import type { LimitReply } from "../kernel/ports/limiter.ts";
import { rateLimited, type RateRule } from "../kernel/rate-limits.ts";
import type { AppContext, AppEnv } from "./context.ts";

/** The headers of draft-ietf-httpapi-ratelimit-headers-03; `Reset` in seconds from now. */
function sayLimit(c: AppContext, { limit, remaining, resetSeconds }: LimitReply): void {
  c.header("ratelimit-limit", String(limit));
  c.header("ratelimit-remaining", String(remaining));
  c.header("ratelimit-reset", String(resetSeconds));
}

/** Counts a request for its client's address before anything else of it is looked at, and refuses those beyond the rule. */
export const limitByAddress = (rule: RateRule) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const { limiter, settings, client } = c.var.ctx;
    const limits = settings.rateLimits[rule];
    if (limits.limit > 0) {
      const reply = await limiter.take(`${rule}:${client.network}`, limits);
      sayLimit(c, reply);
      if (!reply.allowed) throw rateLimited(reply);
    }
    await next();
  });
