import { and, eq, isNull } from "drizzle-orm";
import type { Db } from "#db/client";
import { recoveryCodes } from "#db/schema";

export async function replaceCodes(db: Db, userId: string, hashes: string[], now: Date): Promise<void> {
  await db.batch([
    db.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId)),
    db.insert(recoveryCodes).values(hashes.map((codeHash) => ({ userId, codeHash, createdAt: now }))),
  ]);
}

/** Uses a code up; of many callers with one code, one is told that it was good. */
export async function useCode(db: Db, userId: string, codeHash: string, now: Date): Promise<boolean> {
  const rows = await db
    .update(recoveryCodes)
    .set({ usedAt: now })
    .where(
      and(
        eq(recoveryCodes.userId, userId),
        eq(recoveryCodes.codeHash, codeHash),
        isNull(recoveryCodes.usedAt),
      ),
    )
    .returning({ userId: recoveryCodes.userId });
  return rows.length > 0;
}
