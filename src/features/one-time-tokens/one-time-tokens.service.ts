import type { OneTimeTokenRow } from "../../db/schema.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { randomToken, sha256Hex } from "../../kernel/secret.ts";
import * as repo from "./one-time-tokens.repo.ts";

/** What a token is for; it is good for nothing else. */
export type OneTimePurpose =
  | "verify-email"
  | "approve-user"
  | "reset-password"
  | "change-email"
  | "mfa"
  | "passkey-registration"
  | "passkey-authentication"
  | "oidc-state"
  | "oidc-login";

interface Issue {
  purpose: OneTimePurpose;
  ttlSeconds: number;
  userId?: string;
  data?: Record<string, unknown>;
}

type Deps = Pick<Ctx, "db" | "now">;

/** Makes a token of 256 random bits; only its hash is kept. */
export async function issueOneTime(ctx: Deps, issue: Issue): Promise<string> {
  const token = randomToken(32);
  await rememberOneTime(ctx, token, issue);
  return token;
}

/** Keeps a token that somebody else made, a WebAuthn challenge for example. */
export async function rememberOneTime(
  ctx: Deps,
  token: string,
  { purpose, ttlSeconds, userId, data }: Issue,
): Promise<void> {
  await repo.insertToken(ctx.db, {
    purpose,
    tokenHash: await sha256Hex(token),
    userId: userId ?? null,
    data: data ?? {},
    createdAt: ctx.now,
    expiresAt: new Date(ctx.now.getTime() + ttlSeconds * 1000),
  });
}

/** The token's row while it is good, without using it up. */
export const peekOneTime = async (
  ctx: Deps,
  purpose: OneTimePurpose,
  token: string,
): Promise<OneTimeTokenRow | undefined> => repo.findLive(ctx.db, purpose, await sha256Hex(token), ctx.now);

/** The token's row even when it was used or has expired. */
export const recallOneTime = async (
  ctx: Deps,
  purpose: OneTimePurpose,
  token: string,
): Promise<OneTimeTokenRow | undefined> => repo.findAny(ctx.db, purpose, await sha256Hex(token));

/** Uses a token up. Of any number of callers at once one gets the row, the others nothing. */
export const redeemOneTime = async (
  ctx: Deps,
  purpose: OneTimePurpose,
  token: string,
): Promise<OneTimeTokenRow | undefined> => repo.useUp(ctx.db, purpose, await sha256Hex(token), ctx.now);

/**
 * Counts an attempt at what the token guards, before the attempt is judged, so that many at once cannot outrun the
 * count. Nothing when the token is dead or all its attempts are spent.
 */
export const attemptOneTime = async (
  ctx: Deps,
  purpose: OneTimePurpose,
  token: string,
  maxAttempts: number,
): Promise<OneTimeTokenRow | undefined> =>
  repo.countAttempt(ctx.db, purpose, await sha256Hex(token), maxAttempts, ctx.now);

/** Ends every token a user still has for a purpose: a newer one takes their place, or they make no sense any more. */
export const endOneTime = (ctx: Deps, purpose: OneTimePurpose, userId: string): Promise<void> =>
  repo.endAll(ctx.db, purpose, userId, ctx.now);

/** Makes a token that takes the place of those the user still has for the purpose. */
export async function replaceOneTime(ctx: Deps, issue: Issue & { userId: string }): Promise<string> {
  await endOneTime(ctx, issue.purpose, issue.userId);
  return issueOneTime(ctx, issue);
}

/** Forgets tokens an hour after they expired. */
export const sweepOneTime = (ctx: Deps): Promise<number> =>
  repo.deleteExpired(ctx.db, new Date(ctx.now.getTime() - 3_600_000));
