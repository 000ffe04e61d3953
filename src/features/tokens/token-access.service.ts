import type { AnonymousReason } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { ExpiringLru } from "../../kernel/lru.ts";
import { isId } from "../../kernel/page.ts";
import type { LimitReply } from "../../kernel/ports/limiter.ts";
import { sha256Hex } from "../../kernel/secret.ts";
import { cachedGrant, cacheGrant, flawOf, grantOf, type TokenGrant } from "./token-grants.ts";
import * as repo from "./tokens.repo.ts";

export const TOKEN_PREFIX = "at_";

/** Whether a credential is meant to be an API token. */
export const isApiToken = (token: string): boolean => token.startsWith(TOKEN_PREFIX);

type Deps = Pick<Ctx, "db" | "settings">;

async function readGrant({ db, settings }: Deps, token: string, now: Date): Promise<TokenGrant | undefined> {
  if (!isId(token.slice(TOKEN_PREFIX.length))) return undefined;
  const bearer = await repo.findBearer(db, await sha256Hex(token));
  if (!bearer) return undefined;
  const grant = grantOf(bearer, settings.requireMfa);
  cacheGrant(token, grant, now);
  return grant;
}

interface Use {
  now: Date;
  ip: string | null;
  /** Whether what was read within the last seconds is good enough. */
  mayCache: boolean;
}

export type Admitted = { ok: true; grant: TokenGrant } | { ok: false; reason: AnonymousReason };

/** What an API token opens, or why it opens nothing. */
export async function admitToken(deps: Deps, token: string, { now, ip, mayCache }: Use): Promise<Admitted> {
  const grant = (mayCache ? cachedGrant(token, now) : undefined) ?? (await readGrant(deps, token, now));
  if (!grant) return { ok: false, reason: "TOKEN_INVALID" };
  const reason = flawOf(grant, now, ip);
  return reason ? { ok: false, reason } : { ok: true, grant };
}

/** Counts a request for the token's own limit, where it has one. */
export async function countUse(
  { limiter }: Pick<Ctx, "limiter">,
  { tokenId, requestsPerMinute: limit }: TokenGrant,
): Promise<LimitReply | undefined> {
  return limit === null ? undefined : limiter.take(`token:${tokenId}`, { limit, windowSeconds: 60 });
}

const NOTED_FOR_MS = 60_000;
const noted = new ExpiringLru<true>(10_000, NOTED_FOR_MS);

/** Notes that a token was used, at most once a minute; nothing when that was done. */
export function noteUse(
  { db }: Pick<Ctx, "db">,
  { tokenId }: TokenGrant,
  { now, ip }: Pick<Use, "now" | "ip">,
): Promise<void> | undefined {
  if (noted.get(tokenId, now.getTime())) return undefined;
  noted.set(tokenId, true, now.getTime());
  return repo.noteUse(db, tokenId, { now, ip, before: new Date(now.getTime() - NOTED_FOR_MS) });
}
