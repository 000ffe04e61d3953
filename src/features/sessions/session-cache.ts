import type { Actor } from "../../kernel/actor.ts";
import { ExpiringLru } from "../../kernel/lru.ts";

// Hot routes may be this far behind a logout or a role change in another isolate.
const TTL_MS = 5_000;

const actors = new ExpiringLru<Actor>(10_000, TTL_MS);
const tokensOfSession = new Map<string, string>();

export const cachedActor = (token: string, now: Date): Actor | undefined => actors.get(token, now.getTime());

/** Remembers what a token stands for; `sessionId` lets a logout in this isolate forget it at once. */
export function cacheActor(token: string, actor: Actor, now: Date): void {
  actors.set(token, actor, now.getTime());
  if (actor.kind !== "user" || !actor.session) return;
  if (tokensOfSession.size > 10_000) tokensOfSession.clear();
  tokensOfSession.set(actor.session.id, token);
}

export function forgetSession(sessionId: string): void {
  const token = tokensOfSession.get(sessionId);
  if (token) actors.delete(token);
  tokensOfSession.delete(sessionId);
}
