import { and, eq, isNotNull, isNull, lt, or } from "drizzle-orm";
import type { Db } from "#db/client";
import { startsWithAny } from "#db/like";
import { type TotpSecretRow, totpSecrets } from "#db/schema";

/** Keeps a secret that waits for its first code, in place of an older one; tells whether none is enabled. */
export async function putPending(db: Db, userId: string, sealedSecret: string, now: Date): Promise<boolean> {
  const rows = await db
    .insert(totpSecrets)
    .values({ userId, sealedSecret, createdAt: now })
    .onConflictDoUpdate({
      target: totpSecrets.userId,
      set: { sealedSecret, createdAt: now, lastStep: null },
      setWhere: isNull(totpSecrets.enabledAt),
    })
    .returning({ userId: totpSecrets.userId });
  return rows.length > 0;
}

export async function findTotp(db: Db, userId: string): Promise<TotpSecretRow | undefined> {
  const [row] = await db.select().from(totpSecrets).where(eq(totpSecrets.userId, userId));
  return row;
}

/** Enables the very secret that was checked, with the step of its first code; tells whether it was still waiting. */
export async function enable(
  db: Db,
  { userId, sealedSecret }: TotpSecretRow,
  step: number,
  now: Date,
): Promise<boolean> {
  const rows = await db
    .update(totpSecrets)
    .set({ enabledAt: now, lastStep: step })
    .where(
      and(
        eq(totpSecrets.userId, userId),
        eq(totpSecrets.sealedSecret, sealedSecret),
        isNull(totpSecrets.enabledAt),
      ),
    )
    .returning({ userId: totpSecrets.userId });
  return rows.length > 0;
}

/** Uses up a time step and all before it; of many callers with one code, one is told that it was the first. */
export async function takeStep(db: Db, userId: string, step: number): Promise<boolean> {
  const rows = await db
    .update(totpSecrets)
    .set({ lastStep: step })
    .where(
      and(
        eq(totpSecrets.userId, userId),
        isNotNull(totpSecrets.enabledAt),
        or(isNull(totpSecrets.lastStep), lt(totpSecrets.lastStep, step)),
      ),
    )
    .returning({ userId: totpSecrets.userId });
  return rows.length > 0;
}

/** Removes the secret; tells whether it was enabled. */
export async function deleteTotp(db: Db, userId: string): Promise<boolean> {
  const [row] = await db.delete(totpSecrets).where(eq(totpSecrets.userId, userId)).returning();
  return row?.enabledAt != null;
}

/** Secrets that start in one of the given ways once encrypted. */
export async function findStale(
  db: Db,
  prefixes: readonly string[],
  limit: number,
): Promise<TotpSecretRow[]> {
  if (prefixes.length === 0) return [];
  return db.select().from(totpSecrets).where(startsWithAny(totpSecrets.sealedSecret, prefixes)).limit(limit);
}

/** Puts the same secret, encrypted anew, in place of itself. */
export async function replaceSealed(
  db: Db,
  { userId, sealedSecret }: TotpSecretRow,
  anew: string,
): Promise<void> {
  await db
    .update(totpSecrets)
    .set({ sealedSecret: anew })
    .where(and(eq(totpSecrets.userId, userId), eq(totpSecrets.sealedSecret, sealedSecret)));
}
