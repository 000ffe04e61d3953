import { createMiddleware } from "hono/factory";
import type { Actor } from "../kernel/actor.ts";
import type { Settings } from "../kernel/ctx.ts";
import type { LocalFirstLimiter } from "../kernel/local-first-limiter.ts";
import type { LimitReply } from "../kernel/ports/limiter.ts";
import { rateLimited, type RateRule } from "../kernel/rate-limits.ts";
import type { AppContext, AppEnv } from "./context.ts";

/** The headers of draft-ietf-httpapi-ratelimit-headers-03; `Reset` in seconds from now. */
export function sayLimit(c: AppContext, { limit, remaining, resetSeconds }: LimitReply): void {
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

interface General {
  generalLimiter: LocalFirstLimiter;
  settings: Pick<Settings, "rateLimits">;
}

/** Refuses an address that calls more often than the general limit allows, whatever it calls. */
export function limitGenerally(c: AppContext, { generalLimiter, settings }: General, network: string): void {
  const rule = settings.rateLimits.api;
  if (rule.limit === 0) return;
  const later = (work: Promise<void>) => c.executionCtx.waitUntil(work);
  const reply = generalLimiter.take(`api:${network}`, rule, Date.now(), later);
  if (!reply.allowed) throw rateLimited(reply);
}

/** An agent calls as often as its work demands; many of them may stand behind one address. */
export const isUnlimited = (actor: Actor): boolean => actor.kind === "agent";
