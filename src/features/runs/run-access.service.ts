import type { Actor } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { ExpiringLru } from "../../kernel/lru.ts";
import { randomToken, sha256Hex } from "../../kernel/secret.ts";
import { runNotFound } from "./runs.errors.ts";
import { findRunByTokenHash } from "./runs.repo.ts";

export type RunActor = Extract<Actor, { kind: "run" }>;

const TOKEN_PREFIX = "rt_";
// Hot routes may be this far behind the end of an attempt; the feed itself takes nothing once the run has ended.
const TTL_MS = 5_000;
const actors = new ExpiringLru<RunActor>(10_000, TTL_MS);

/** Whether a credential is meant to be the token of a run's process. */
export const isRunToken = (token: string): boolean => token.startsWith(TOKEN_PREFIX);

/** A token for the process of one attempt, and what is kept of it. */
export async function newRunToken(): Promise<{ token: string; tokenHash: string }> {
  const token = `${TOKEN_PREFIX}${randomToken(32)}`;
  return { token, tokenHash: await sha256Hex(token) };
}

/** A run's process may write to that run; no other is there for it. */
export function ownRun(actor: RunActor, runId: string): RunActor {
  if (actor.id !== runId) throw runNotFound();
  return actor;
}

/** The run a token writes to; none once the attempt has ended, or while the run's owner is suspended. */
export async function findRunActor(
  { db }: Pick<Ctx, "db">,
  token: string,
  { now, mayCache }: { now: Date; mayCache: boolean },
): Promise<RunActor | undefined> {
  const cached = mayCache ? actors.get(token, now.getTime()) : undefined;
  if (cached) return cached;
  const run = await findRunByTokenHash(db, await sha256Hex(token));
  if (!run) return undefined;
  const actor: RunActor = { kind: "run", ...run };
  actors.set(token, actor, now.getTime());
  return actor;
}
