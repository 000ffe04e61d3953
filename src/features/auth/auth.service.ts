import type { UserRow } from "../../db/schema.ts";
import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { emailTaken, invalidCredentials, invalidRefreshToken, registrationClosed } from "./auth.errors.ts";
import {
  deleteDeadSessions,
  endSession,
  findSessionUser,
  findUser,
  findUserByEmail,
  insertSession,
  insertUser,
  rotateSession,
} from "./auth.repo.ts";
import { type Login, type Register, type SignedIn, toUser, type User } from "./auth.schema.ts";
import { forgetSession } from "./session-cache.ts";

/** Opens an account with the role `user`. */
export async function register(ctx: Ctx, input: Register): Promise<User> {
  if (ctx.settings.registration === "closed") throw registrationClosed();
  const passwordHash = await ctx.passwords.hash(input.password);
  const row = await insertUser(ctx.db, { email: input.email, name: input.name, passwordHash });
  if (!row) throw emailTaken();
  ctx.log("info", "auth.registered", { user_id: row.id });
  return toUser(row);
}

// Verified against when there is no such account, so that the answer takes as long either way.
let decoyHash: string | undefined;

async function checkPassword(ctx: Ctx, row: UserRow | undefined, password: string): Promise<boolean> {
  decoyHash ??= await ctx.passwords.hash(crypto.randomUUID());
  return (await ctx.passwords.verify(row?.passwordHash ?? decoyHash, password)) && row !== undefined;
}

/** Opens a session for the right password. */
export async function login(ctx: Ctx, input: Login): Promise<SignedIn> {
  const row = await findUserByEmail(ctx.db, input.email);
  if (!(await checkPassword(ctx, row, input.password)) || !row) {
    ctx.log("warn", "auth.login_refused", { known: row !== undefined });
    throw invalidCredentials();
  }
  const session = { id: crypto.randomUUID(), refreshJti: crypto.randomUUID() };
  await insertSession(ctx.db, { ...session, userId: row.id, expiresAt: refreshExpiry(ctx) });
  ctx.log("info", "auth.login", { user_id: row.id });
  return signedIn(ctx, row, session.id, session.refreshJti);
}

/** Trades a refresh token for a new pair. A token used twice ends its session: one of the two users stole it. */
export async function refresh(ctx: Ctx, refreshToken: string): Promise<SignedIn> {
  const verified = await ctx.tokens.verifyRefresh(refreshToken, ctx.now);
  if (!verified.ok) throw invalidRefreshToken(verified.reason);
  const { sessionId, userId, jti } = verified.claims;
  const next = { jti: crypto.randomUUID(), now: ctx.now, expiresAt: refreshExpiry(ctx) };
  const rotated = await rotateSession(ctx.db, sessionId, jti, next);
  const row = rotated && (await findUser(ctx.db, userId));
  if (row) return signedIn(ctx, row, sessionId, next.jti);
  if (await endSession(ctx.db, sessionId, ctx.now))
    ctx.log("warn", "auth.refresh_replayed", { session_id: sessionId });
  forgetSession(sessionId);
  throw invalidRefreshToken("invalid");
}

/** Ends the caller's session; its access token stops working with it. */
export async function logout(ctx: Ctx): Promise<void> {
  const { sessionId } = allow(ctx, "account:self");
  await endSession(ctx.db, sessionId, ctx.now);
  forgetSession(sessionId);
}

export async function me(ctx: Ctx): Promise<User> {
  const actor = allow(ctx, "account:self");
  const row = await findSessionUser(ctx.db, actor.sessionId, ctx.now);
  if (!row) throw invalidCredentials();
  return toUser(row);
}

// A replayed token of an ended session is still recognised as one for this long.
const KEEP_DEAD_MS = 7 * 86_400_000;

/** Forgets sessions that have been dead for a while. */
export const sweepSessions = (ctx: Pick<Ctx, "db" | "now">): Promise<number> =>
  deleteDeadSessions(ctx.db, new Date(ctx.now.getTime() - KEEP_DEAD_MS));

const refreshExpiry = (ctx: Ctx) => new Date(ctx.now.getTime() + ctx.settings.refreshTokenSeconds * 1000);

async function signedIn(ctx: Ctx, row: UserRow, sessionId: string, jti: string): Promise<SignedIn> {
  const { accessTokenSeconds, refreshTokenSeconds } = ctx.settings;
  const access = { userId: row.id, email: row.email, role: row.role, sessionId };
  const accessToken = await ctx.tokens.signAccess(access, accessTokenSeconds, ctx.now);
  return {
    access_token: accessToken,
    token: accessToken,
    refresh_token: await ctx.tokens.signRefresh(
      { userId: row.id, sessionId, jti },
      refreshTokenSeconds,
      ctx.now,
    ),
    token_type: "Bearer",
    expires_in: accessTokenSeconds,
    requires_mfa: false,
    user: toUser(row),
  };
}
