import { AppError } from "./errors.ts";
import type { LimitReply, LimitRule } from "./ports/limiter.ts";

/** What is limited; how much of it, the configuration says. A limit of 0 is none. */
export const RATE_RULES = ["login", "register", "refresh", "mfa", "reset", "api"] as const;
export type RateRule = (typeof RATE_RULES)[number];
export type RateLimits = Record<RateRule, LimitRule>;

export const rateLimited = ({ limit, resetSeconds }: LimitReply) =>
  new AppError("rate_limited", "RATE_LIMITED", `Too many requests; try again in ${resetSeconds} seconds.`, {
    limit,
    retry_after: resetSeconds,
  });
