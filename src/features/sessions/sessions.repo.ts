import { and, desc, eq, gt, isNotNull, isNull, lt, max, ne, or, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { behind, newestFirst } from "#db/page";
import { roles, type SessionRow, sessions, users } from "#db/schema";
import type { SessionRef } from "../../kernel/actor.ts";
import type { Page } from "../../kernel/page.ts";
import { type Caller, callerColumns, onCustomRole } from "../accounts/index.ts";

type NewSession = Pick<
  SessionRow,
  | "id"
  | "userId"
  | "refreshJti"
  | "methods"
  | "authenticatedAt"
  | "factorAt"
  | "ip"
  | "userAgent"
  | "createdAt"
  | "refreshedAt"
  | "expiresAt"
  | "maxExpiresAt"
>;

/**
 * Adds a session and notes the sign-in at its account, if that is still as it was when its owner showed who they are:
 * not suspended, and with the same password. The row is locked meanwhile, so that whoever changes either finds the
 * session to end. The count of attempts kept under the key `forgiven` is dropped with it. Tells whether it did.
 */
export async function insertSession(
  db: Db,
  session: NewSession,
  passwordChangedAt: Date,
  forgiven: string | null,
): Promise<boolean> {
  const at = (date: Date | null) => sql`${date?.toISOString() ?? null}::timestamptz`;
  const { id, userId, refreshJti, methods, ip, userAgent } = session;
  const noted = await db.execute(sql`
    with account as (
      select id from users
      where id = ${userId} and password_changed_at = ${at(passwordChangedAt)} and suspended_at is null
      for no key update
    ), opened as (
      insert into sessions (id, user_id, refresh_jti, methods, ip, user_agent, authenticated_at, factor_at,
        created_at, refreshed_at, expires_at, max_expires_at)
      select ${id}::uuid, account.id, ${refreshJti}::uuid, ${JSON.stringify(methods)}::jsonb, ${ip}::text,
        ${userAgent}::text, ${at(session.authenticatedAt)}, ${at(session.factorAt)}, ${at(session.createdAt)},
        ${at(session.refreshedAt)}, ${at(session.expiresAt)}, ${at(session.maxExpiresAt)}
      from account
      returning user_id
    ), forgiven as (
      delete from lockouts where key = ${forgiven}::text and exists (select from opened)
    )
    update users set last_login_at = ${at(session.createdAt)}
    where id in (select user_id from opened) returning id`);
  return noted.rows.length > 0;
}

const live = (now: Date) =>
  and(isNull(sessions.endedAt), gt(sessions.expiresAt, now), gt(sessions.maxExpiresAt, now));

const refColumns = {
  id: sessions.id,
  authenticatedAt: sessions.authenticatedAt,
  factorAt: sessions.factorAt,
  methods: sessions.methods,
};

/** The account behind a session that still lives, in one round trip. Suspended accounts have none. */
export async function findCaller(
  db: Db,
  sessionId: string,
  now: Date,
): Promise<(Caller & { session: SessionRef }) | undefined> {
  const [row] = await db
    .select({ session: refColumns, ...callerColumns })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .leftJoin(roles, onCustomRole)
    .where(and(eq(sessions.id, sessionId), live(now), isNull(users.suspendedAt)));
  return row;
}

/** Replaces the refresh token in force, if it is still `jti`; of two concurrent callers one wins. */
export async function rotateSession(
  db: Db,
  sessionId: string,
  jti: string,
  next: { jti: string; now: Date; expiresAt: Date },
): Promise<SessionRow | undefined> {
  const [row] = await db
    .update(sessions)
    .set({ refreshJti: next.jti, refreshedAt: next.now, expiresAt: next.expiresAt })
    .where(and(eq(sessions.id, sessionId), eq(sessions.refreshJti, jti), live(next.now)))
    .returning();
  return row;
}

/** Notes that the password, or a second factor, was shown again within a session. */
export async function touchSession(
  db: Db,
  sessionId: string,
  shown: { authenticatedAt: Date; factorAt?: Date; methods?: string[] },
): Promise<void> {
  await db.update(sessions).set(shown).where(eq(sessions.id, sessionId));
}

/** Whose an open session is. */
export async function findSessionOwner(db: Db, sessionId: string): Promise<string | undefined> {
  const [row] = await db
    .select({ userId: sessions.userId })
    .from(sessions)
    .where(and(eq(sessions.id, sessionId), isNull(sessions.endedAt)));
  return row?.userId;
}

/** Ends a session of a user; tells whether it was still open. */
export async function endSession(
  db: Db,
  userId: string,
  sessionId: string,
  end: { now: Date; reason: string },
): Promise<boolean> {
  const rows = await db
    .update(sessions)
    .set({ endedAt: end.now, endReason: end.reason })
    .where(and(eq(sessions.id, sessionId), eq(sessions.userId, userId), isNull(sessions.endedAt)))
    .returning({ id: sessions.id });
  return rows.length > 0;
}

/** Ends all of a user's sessions but `except`; returns the ids of those that were open. */
export async function endSessions(
  db: Db,
  userId: string,
  end: { now: Date; reason: string; except?: string },
): Promise<string[]> {
  const rows = await db
    .update(sessions)
    .set({ endedAt: end.now, endReason: end.reason })
    .where(
      and(
        eq(sessions.userId, userId),
        isNull(sessions.endedAt),
        end.except === undefined ? undefined : ne(sessions.id, end.except),
      ),
    )
    .returning({ id: sessions.id });
  return rows.map(({ id }) => id);
}

export function listSessions(
  db: Db,
  userId: string,
  now: Date,
  { limit, after }: Page,
): Promise<SessionRow[]> {
  return db
    .select()
    .from(sessions)
    .where(and(eq(sessions.userId, userId), live(now), behind(sessions, after)))
    .orderBy(...newestFirst(sessions))
    .limit(limit + 1);
}

/** The addresses a user opened sessions from since then, the latest first. */
export async function recentAddresses(db: Db, userId: string, since: Date, limit: number): Promise<string[]> {
  const rows = await db
    .select({ ip: sessions.ip })
    .from(sessions)
    .where(and(eq(sessions.userId, userId), isNotNull(sessions.ip), gt(sessions.createdAt, since)))
    .groupBy(sessions.ip)
    .orderBy(desc(max(sessions.createdAt)))
    .limit(limit);
  return rows.map(({ ip }) => ip!);
}

/** Removes sessions that ended or expired before `before`. */
export async function deleteDeadSessions(db: Db, before: Date): Promise<number> {
  const gone = or(
    lt(sessions.expiresAt, before),
    lt(sessions.maxExpiresAt, before),
    lt(sessions.endedAt, before),
  );
  return (await db.delete(sessions).where(gone).returning({ id: sessions.id })).length;
}
