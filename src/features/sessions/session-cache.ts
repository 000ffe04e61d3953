import type { Actor } from "../../kernel/actor.ts";
import { RevocableLru } from "../../kernel/revocable-lru.ts";

// Hot routes may be this far behind a logout or a role change in another isolate.
const TTL_MS = 5_000;

const actors = new RevocableLru<Actor>(10_000, TTL_MS);

export const cachedActor = (token: string, now: Date): Actor | undefined => actors.get(token, now.getTime());

/** Remembers whom an access token stands for, until its session ends or its account changes in this isolate. */
export function cacheActor(token: string, actor: Actor, now: Date): void {
  if (actor.kind !== "user" || !actor.session) return;
  actors.set(token, actor, [actor.session.id, actor.id], now.getTime());
}

export const forgetSession = (sessionId: string): void => actors.revoke(sessionId);
export const forgetSessionsOf = (userId: string): void => actors.revoke(userId);
