import type { Permission, Role, UserActor } from "../../kernel/actor.ts";
import { RevocableLru } from "../../kernel/revocable-lru.ts";
import { userActorOf } from "../accounts/index.ts";
import { type AddressRange, isInRanges, parseRange } from "./address-range.ts";
import type { TokenBearer } from "./tokens.repo.ts";

/** What a token opens, and on which conditions. */
export interface TokenGrant {
  tokenId: string;
  actor: UserActor;
  expiresAt: Date | null;
  /** Where it may be used from; `null` for anywhere. */
  allowed: AddressRange[] | null;
  requestsPerMinute: number | null;
}

const ACCOUNT_ONLY = ["account:self"] satisfies Permission[];

/** A token of somebody whose role demands a factor there is none of narrows to the account, if it reaches that at all. */
function scopesOf(scopes: string[], mfaMissing: boolean): string[] {
  if (!mfaMissing) return scopes;
  return scopes.includes("*") ? ACCOUNT_ONLY : ACCOUNT_ONLY.filter((name) => scopes.includes(name));
}

export function grantOf(bearer: TokenBearer, requireMfa: ReadonlySet<Role>): TokenGrant {
  const { token, role, hasFactor } = bearer;
  const mfaMissing = requireMfa.has(role) && !hasFactor;
  const scopes = scopesOf(token.scopes, mfaMissing);
  const actor = userActorOf(bearer, { session: null, tokenId: token.id, mfaMissing, scopes });
  const { allowedIps, expiresAt, requestsPerMinute } = token;
  const allowed = allowedIps.length === 0 ? null : allowedIps.flatMap((range) => parseRange(range) ?? []);
  return { tokenId: token.id, actor, expiresAt, allowed, requestsPerMinute };
}

/** Why a grant does not count now and from there, if so. */
export function flawOf(
  { expiresAt, allowed }: TokenGrant,
  now: Date,
  ip: string | null,
): "TOKEN_EXPIRED" | "TOKEN_ADDRESS_REFUSED" | undefined {
  if (expiresAt !== null && expiresAt <= now) return "TOKEN_EXPIRED";
  if (allowed && !isInRanges(ip, allowed)) return "TOKEN_ADDRESS_REFUSED";
  return undefined;
}

// Hot routes may be this far behind a revocation in another isolate.
const TTL_MS = 5_000;

const grants = new RevocableLru<TokenGrant>(10_000, TTL_MS);

export const cachedGrant = (token: string, now: Date): TokenGrant | undefined =>
  grants.get(token, now.getTime());
export const cacheGrant = (token: string, grant: TokenGrant, now: Date): void =>
  grants.set(token, grant, [grant.tokenId, grant.actor.id], now.getTime());
export const forgetToken = (tokenId: string): void => grants.revoke(tokenId);
export const forgetTokensOf = (userId: string): void => grants.revoke(userId);
