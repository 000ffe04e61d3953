import { and, eq, gt, isNull, lt, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { type OneTimeTokenRow, oneTimeTokens } from "#db/schema";

type NewToken = Pick<
  OneTimeTokenRow,
  "purpose" | "tokenHash" | "userId" | "data" | "createdAt" | "expiresAt"
>;

export async function insertToken(db: Db, token: NewToken): Promise<void> {
  await db.insert(oneTimeTokens).values(token);
}

const live = (purpose: string, tokenHash: string, now: Date) =>
  and(
    eq(oneTimeTokens.purpose, purpose),
    eq(oneTimeTokens.tokenHash, tokenHash),
    isNull(oneTimeTokens.usedAt),
    gt(oneTimeTokens.expiresAt, now),
  );

export async function findLive(
  db: Db,
  purpose: string,
  tokenHash: string,
  now: Date,
): Promise<OneTimeTokenRow | undefined> {
  const [row] = await db
    .select()
    .from(oneTimeTokens)
    .where(live(purpose, tokenHash, now));
  return row;
}

/** A token in whatever state. */
export async function findAny(
  db: Db,
  purpose: string,
  tokenHash: string,
): Promise<OneTimeTokenRow | undefined> {
  const [row] = await db
    .select()
    .from(oneTimeTokens)
    .where(and(eq(oneTimeTokens.purpose, purpose), eq(oneTimeTokens.tokenHash, tokenHash)));
  return row;
}

/** Uses a token up; of two callers at once one gets the row. */
export async function useUp(
  db: Db,
  purpose: string,
  tokenHash: string,
  now: Date,
): Promise<OneTimeTokenRow | undefined> {
  const [row] = await db
    .update(oneTimeTokens)
    .set({ usedAt: now })
    .where(live(purpose, tokenHash, now))
    .returning();
  return row;
}

/** Counts an attempt before it is judged; nothing when the token is dead or has none left. */
export async function countAttempt(
  db: Db,
  purpose: string,
  tokenHash: string,
  maxAttempts: number,
  now: Date,
): Promise<OneTimeTokenRow | undefined> {
  const [row] = await db
    .update(oneTimeTokens)
    .set({ attempts: sql`${oneTimeTokens.attempts} + 1` })
    .where(and(live(purpose, tokenHash, now), lt(oneTimeTokens.attempts, maxAttempts)))
    .returning();
  return row;
}

/** Ends every live token a user has for a purpose. */
export async function endAll(db: Db, purpose: string, userId: string, now: Date): Promise<void> {
  await db
    .update(oneTimeTokens)
    .set({ usedAt: now })
    .where(
      and(eq(oneTimeTokens.purpose, purpose), eq(oneTimeTokens.userId, userId), isNull(oneTimeTokens.usedAt)),
    );
}

export async function deleteExpired(db: Db, before: Date): Promise<number> {
  const gone = await db
    .delete(oneTimeTokens)
    .where(lt(oneTimeTokens.expiresAt, before))
    .returning({ id: oneTimeTokens.id });
  return gone.length;
}
