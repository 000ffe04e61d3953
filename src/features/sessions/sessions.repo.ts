import { and, eq, getTableColumns, gt, isNull, lt, ne, or } from "drizzle-orm";
import type { Db } from "#db/client";
import { behind, newestFirst } from "#db/page";
import { roles, type SessionRow, sessions, type UserRow, users } from "#db/schema";
import type { Page } from "../../kernel/page.ts";

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

/** Adds a session and notes the sign-in at its account. */
export async function insertSession(db: Db, session: NewSession): Promise<void> {
  await db.batch([
    db.insert(sessions).values(session),
    db.update(users).set({ lastLoginAt: session.createdAt }).where(eq(users.id, session.userId)),
  ]);
}

const live = (now: Date) =>
  and(isNull(sessions.endedAt), gt(sessions.expiresAt, now), gt(sessions.maxExpiresAt, now));

/** What a request needs to know of the account behind it; a custom role comes along. */
export interface Caller {
  session: SessionRow;
  user: UserRow;
  role: { name: string; permissions: string[]; denied: string[] } | null;
}

/** The account behind a session that still lives, in one round trip. Suspended accounts have none. */
export async function findCaller(db: Db, sessionId: string, now: Date): Promise<Caller | undefined> {
  const [row] = await db
    .select({
      session: getTableColumns(sessions),
      user: getTableColumns(users),
      role: { name: roles.name, permissions: roles.permissions, denied: roles.denied },
    })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .leftJoin(roles, eq(roles.name, users.customRole))
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

/** Ends a session, `userId`'s own unless `null`; returns it if it was still open. */
export async function endSession(
  db: Db,
  userId: string | null,
  sessionId: string,
  end: { now: Date; reason: string },
): Promise<SessionRow | undefined> {
  const [row] = await db
    .update(sessions)
    .set({ endedAt: end.now, endReason: end.reason })
    .where(
      and(
        eq(sessions.id, sessionId),
        isNull(sessions.endedAt),
        userId === null ? undefined : eq(sessions.userId, userId),
      ),
    )
    .returning();
  return row;
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

/** Whether a user opened a session from an address since then, in a way that was not taken back. */
export async function hasSessionFrom(db: Db, userId: string, ip: string, since: Date): Promise<boolean> {
  const rows = await db
    .select({ id: sessions.id })
    .from(sessions)
    .where(and(eq(sessions.userId, userId), eq(sessions.ip, ip), gt(sessions.createdAt, since)))
    .limit(1);
  return rows.length > 0;
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
