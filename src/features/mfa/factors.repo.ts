import { and, eq, isNotNull, notExists } from "drizzle-orm";
import type { Db } from "#db/client";
import { passkeys, recoveryCodes, totpSecrets } from "#db/schema";

/** Removes all that an account has for its second step, at once. */
export async function deleteFactors(db: Db, userId: string): Promise<void> {
  await db.batch([
    db.delete(totpSecrets).where(eq(totpSecrets.userId, userId)),
    db.delete(passkeys).where(eq(passkeys.userId, userId)),
    db.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId)),
  ]);
}

/** Removes recovery codes that no factor is left for. */
export async function deleteStrandedCodes(db: Db, userId: string): Promise<void> {
  const totp = db
    .select({ id: totpSecrets.userId })
    .from(totpSecrets)
    .where(and(eq(totpSecrets.userId, userId), isNotNull(totpSecrets.enabledAt)));
  const keys = db.select({ id: passkeys.id }).from(passkeys).where(eq(passkeys.userId, userId));
  await db
    .delete(recoveryCodes)
    .where(and(eq(recoveryCodes.userId, userId), notExists(totp), notExists(keys)));
}
