import { and, eq, gt, isNull, lt, or } from "drizzle-orm";
import type { Db } from "#db/client";
import { type SessionRow, sessions, type UserRow, users } from "#db/schema";

/** Adds an account; `undefined` when the address is taken. */
export async function insertUser(
  db: Db,
  user: { email: string; name: string; passwordHash: string },
): Promise<UserRow | undefined> {
  const [row] = await db.insert(users).values(user).onConflictDoNothing({ target: users.email }).returning();
  return row;
}

export async function findUserByEmail(db: Db, email: string): Promise<UserRow | undefined> {
  const [row] = await db.select().from(users).where(eq(users.email, email));
  return row;
}

export async function findUser(db: Db, id: string): Promise<UserRow | undefined> {
  const [row] = await db.select().from(users).where(eq(users.id, id));
  return row;
}

export async function insertSession(
  db: Db,
  session: { id: string; userId: string; refreshJti: string; expiresAt: Date },
): Promise<void> {
  await db.insert(sessions).values(session);
}

const live = (now: Date) => and(isNull(sessions.endedAt), gt(sessions.expiresAt, now));

/** The account behind a session that still lives. */
export async function findSessionUser(db: Db, sessionId: string, now: Date): Promise<UserRow | undefined> {
  const [row] = await db
    .select({ user: users })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(and(eq(sessions.id, sessionId), live(now)));
  return row?.user;
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

/** Ends a session; tells whether it was still open. */
export async function endSession(db: Db, sessionId: string, now: Date): Promise<boolean> {
  const ended = await db
    .update(sessions)
    .set({ endedAt: now })
    .where(and(eq(sessions.id, sessionId), isNull(sessions.endedAt)))
    .returning({ id: sessions.id });
  return ended.length > 0;
}

/** Removes sessions that ended or expired before `before`. */
export async function deleteDeadSessions(db: Db, before: Date): Promise<number> {
  const gone = or(lt(sessions.expiresAt, before), lt(sessions.endedAt, before));
  return (await db.delete(sessions).where(gone).returning({ id: sessions.id })).length;
}
