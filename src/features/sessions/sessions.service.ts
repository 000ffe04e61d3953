import type { SessionRow } from "../../db/schema.ts";
import { type Actor, allow, allowPerson, type UserActor } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { networkOf } from "../../kernel/network.ts";
import { type Page, type Paged, paged } from "../../kernel/page.ts";
import {
  type Account,
  findAccount,
  findStanding,
  refuseAdminAbove,
  toUser,
  userActorOf,
} from "../accounts/index.ts";
import { forgetSession } from "./session-cache.ts";
import { accountChanged, invalidRefreshToken, sessionNotFound, userNotFound } from "./sessions.errors.ts";
import * as repo from "./sessions.repo.ts";
import { type Session, type SignedIn, toSession } from "./sessions.schema.ts";

const FACTORS = new Set(["totp", "passkey", "recovery"]);

const inSeconds = (now: Date, seconds: number) => new Date(now.getTime() + seconds * 1000);

/**
 * Opens a session for an account that has shown all it must. `methods` say how, see the sessions table; `forgiven` is the
 * key of the attempts it took.
 */
export async function openSession(
  ctx: Ctx,
  account: Account,
  methods: string[],
  forgiven: string | null = null,
): Promise<SignedIn> {
  const { refreshTokenSeconds, sessionMaxSeconds } = ctx.settings;
  const hasFactor = methods.some((method) => FACTORS.has(method));
  const session = {
    id: crypto.randomUUID(),
    userId: account.id,
    refreshJti: crypto.randomUUID(),
    methods,
    authenticatedAt: ctx.now,
    factorAt: hasFactor ? ctx.now : null,
    ip: ctx.client.ip,
    userAgent: ctx.client.userAgent,
    createdAt: ctx.now,
    refreshedAt: ctx.now,
    expiresAt: inSeconds(ctx.now, refreshTokenSeconds),
    maxExpiresAt: inSeconds(ctx.now, sessionMaxSeconds),
  };
  if (!(await repo.insertSession(ctx.db, session, account.passwordChangedAt, forgiven)))
    throw accountChanged();
  await ctx.audit({
    action: "session.opened",
    actor: { kind: "user", id: account.id, name: account.email },
    target: { type: "session", id: session.id },
    details: { methods },
  });
  return signedIn(ctx, { ...account, lastLoginAt: ctx.now }, session);
}

/** Trades a refresh token for a new pair. A token used twice ends its session: one of the two users stole it. */
export async function refresh(ctx: Ctx, refreshToken: string): Promise<SignedIn> {
  const verified = await ctx.tokens.verifyRefresh(refreshToken, ctx.now);
  if (!verified.ok) throw invalidRefreshToken(verified.reason);
  const { sessionId, userId, jti } = verified.claims;
  const expiresAt = inSeconds(ctx.now, ctx.settings.refreshTokenSeconds);
  const next = { jti: crypto.randomUUID(), now: ctx.now, expiresAt };
  const rotated = await repo.rotateSession(ctx.db, sessionId, jti, next);
  const account = rotated && (await findAccount(ctx.db, userId));
  if (account && account.suspendedAt === null) return signedIn(ctx, account, rotated);
  await endReplayed(ctx, sessionId, userId);
  throw invalidRefreshToken("invalid");
}

async function endReplayed(ctx: Ctx, sessionId: string, userId: string): Promise<void> {
  const end = { now: ctx.now, reason: "refresh token replayed" };
  if (await repo.endSession(ctx.db, userId, sessionId, end)) {
    await ctx.audit({
      action: "session.replayed",
      outcome: "refused",
      actor: { kind: "user", id: userId, name: null },
      target: { type: "session", id: sessionId },
    });
  }
  forgetSession(sessionId);
}

/** Ends the caller's session; its access token stops working with it. */
export async function logout(ctx: Ctx): Promise<void> {
  const { id, session } = allowPerson(ctx, "account:self");
  await repo.endSession(ctx.db, id, session.id, { now: ctx.now, reason: "logout" });
  forgetSession(session.id);
  await ctx.audit({ action: "session.logout", target: { type: "session", id: session.id } });
}

export async function listSessions(ctx: Ctx, page: Page): Promise<Paged<Session>> {
  const { id, session } = allowPerson(ctx, "account:self");
  const { items, next } = paged(await repo.listSessions(ctx.db, id, ctx.now, page), page.limit);
  return { items: items.map((row) => toSession(row, session.id)), ...(next && { next }) };
}

/** An account the caller may shut out. */
async function refuseAbove(ctx: Ctx, actor: UserActor, userId: string): Promise<void> {
  const standing = await findStanding(ctx.db, userId);
  if (!standing) throw userNotFound();
  refuseAdminAbove(actor, standing);
}

/** Ends one of the caller's own sessions, or for administrators anybody's who may no more than they as such. */
export async function endSession(ctx: Ctx, sessionId: string): Promise<void> {
  const actor = allowPerson(ctx, "account:self");
  const isAdmin = actor.permissions.has("sessions:admin");
  const userId = isAdmin ? await repo.findSessionOwner(ctx.db, sessionId) : actor.id;
  if (userId === undefined) throw sessionNotFound();
  if (userId !== actor.id) await refuseAbove(ctx, actor, userId);
  const end = { now: ctx.now, reason: "ended by request" };
  if (!(await repo.endSession(ctx.db, userId, sessionId, end))) throw sessionNotFound();
  forgetSession(sessionId);
  await ctx.audit({
    action: "session.ended",
    target: { type: "session", id: sessionId },
    details: { user_id: userId },
  });
}

/** Ends all of the caller's sessions but the one that asks. */
export async function endOtherSessions(ctx: Ctx): Promise<number> {
  const { id, session } = allowPerson(ctx, "account:self");
  return endSessionsOf(ctx, id, "ended by request", session.id);
}

/** A user's sessions as an administrator sees them. */
export async function listSessionsOf(ctx: Ctx, userId: string, page: Page): Promise<Paged<Session>> {
  const actor = allow(ctx, "sessions:admin");
  if (!(await findAccount(ctx.db, userId))) throw userNotFound();
  const { items, next } = paged(await repo.listSessions(ctx.db, userId, ctx.now, page), page.limit);
  return { items: items.map((row) => toSession(row, actor.session?.id)), ...(next && { next }) };
}

/** Ends all of somebody's sessions. */
export async function endSessionsByAdmin(ctx: Ctx, userId: string): Promise<number> {
  await refuseAbove(ctx, allow(ctx, "sessions:admin"), userId);
  return endSessionsOf(ctx, userId, "ended by an administrator");
}

/** Ends all of a user's sessions but `except`; for whatever makes them doubtful. Returns how many there were. */
export async function endSessionsOf(
  ctx: Ctx,
  userId: string,
  reason: string,
  except?: string,
): Promise<number> {
  const ended = await repo.endSessions(ctx.db, userId, {
    now: ctx.now,
    reason,
    ...(except !== undefined && { except }),
  });
  ended.forEach(forgetSession);
  await ctx.audit({
    action: "session.ended_all",
    target: { type: "user", id: userId },
    details: { reason, count: ended.length },
  });
  return ended.length;
}

/** Notes that the caller has just shown the password again, or by `factor` a second factor. */
export async function markAuthenticated(ctx: Ctx, actor: UserActor, factor?: string): Promise<void> {
  if (!actor.session) return;
  const { id, methods } = actor.session;
  await repo.touchSession(ctx.db, id, {
    authenticatedAt: ctx.now,
    ...(factor !== undefined && { factorAt: ctx.now, methods: [...new Set([...methods, factor])] }),
  });
  forgetSession(id);
}

const KNOWN_MS = 30 * 86_400_000;
const KNOWN_ADDRESSES = 50;

/** Whether the account signed in from the caller's network within a month. Within it, IPv6 addresses change daily. */
export async function isKnownNetwork(ctx: Ctx, userId: string): Promise<boolean> {
  const since = new Date(ctx.now.getTime() - KNOWN_MS);
  const addresses = await repo.recentAddresses(ctx.db, userId, since, KNOWN_ADDRESSES);
  return addresses.some((address) => networkOf(address) === ctx.client.network);
}

/** Who a session stands for: read from the rows, so that a demotion or suspension bites at once. */
export async function findSessionActor(
  { db, settings }: Pick<Ctx, "db" | "settings">,
  sessionId: string,
  now: Date,
): Promise<Actor | undefined> {
  const caller = await repo.findCaller(db, sessionId, now);
  if (!caller) return undefined;
  const { session, role, hasFactor } = caller;
  // Who must have a second factor and has shown none, or only one that is gone, may only see to getting one.
  const mfaMissing = settings.requireMfa.has(role) && (session.factorAt === null || !hasFactor);
  const scopes = mfaMissing ? ["account:self"] : undefined;
  return userActorOf(caller, { session, tokenId: null, mfaMissing, scopes });
}

// A replayed token of an ended session is still recognised as one for this long.
const KEEP_DEAD_MS = 7 * 86_400_000;

/** Forgets sessions that have been dead for a while. */
export const sweepSessions = (ctx: Pick<Ctx, "db" | "now">): Promise<number> =>
  repo.deleteDeadSessions(ctx.db, new Date(ctx.now.getTime() - KEEP_DEAD_MS));

async function signedIn(
  ctx: Ctx,
  account: Account,
  { id: sessionId, refreshJti: jti, factorAt }: Pick<SessionRow, "id" | "refreshJti" | "factorAt">,
): Promise<SignedIn> {
  const { accessTokenSeconds, refreshTokenSeconds } = ctx.settings;
  const access = { userId: account.id, email: account.email, role: account.role, sessionId };
  const refreshClaims = { userId: account.id, sessionId, jti };
  const accessToken = await ctx.tokens.signAccess(access, accessTokenSeconds, ctx.now);
  return {
    access_token: accessToken,
    token: accessToken,
    refresh_token: await ctx.tokens.signRefresh(refreshClaims, refreshTokenSeconds, ctx.now),
    token_type: "Bearer",
    expires_in: accessTokenSeconds,
    requires_mfa: false,
    user: toUser(account, factorAt !== null),
  };
}
