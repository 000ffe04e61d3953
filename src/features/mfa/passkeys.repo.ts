import { and, asc, eq, lt, or } from "drizzle-orm";
import type { Db } from "#db/client";
import { type PasskeyRow, passkeys } from "#db/schema";

export type NewPasskey = Omit<PasskeyRow, "id" | "lastUsedAt">;

/** A passkey as browsers are told of it. */
export const descriptorOf = ({ credentialId, transports }: PasskeyRow) => ({ id: credentialId, transports });

/** Adds a credential; `undefined` when somebody has it already. */
export async function insertPasskey(db: Db, passkey: NewPasskey): Promise<PasskeyRow | undefined> {
  const [row] = await db
    .insert(passkeys)
    .values(passkey)
    .onConflictDoNothing({ target: passkeys.credentialId })
    .returning();
  return row;
}

export const findPasskeysOf = (db: Db, userId: string): Promise<PasskeyRow[]> =>
  db
    .select()
    .from(passkeys)
    .where(eq(passkeys.userId, userId))
    .orderBy(asc(passkeys.createdAt), asc(passkeys.id));

export async function findByCredential(db: Db, credentialId: string): Promise<PasskeyRow | undefined> {
  const [row] = await db.select().from(passkeys).where(eq(passkeys.credentialId, credentialId));
  return row;
}

const own = (userId: string, id: string) => and(eq(passkeys.userId, userId), eq(passkeys.id, id));

export async function findPasskey(db: Db, userId: string, id: string): Promise<PasskeyRow | undefined> {
  const [row] = await db.select().from(passkeys).where(own(userId, id));
  return row;
}

export async function renamePasskey(
  db: Db,
  userId: string,
  id: string,
  name: string,
): Promise<PasskeyRow | undefined> {
  const [row] = await db.update(passkeys).set({ name }).where(own(userId, id)).returning();
  return row;
}

export async function deletePasskey(db: Db, userId: string, id: string): Promise<boolean> {
  return (await db.delete(passkeys).where(own(userId, id)).returning({ id: passkeys.id })).length > 0;
}

/**
 * Stores the counter of a use, if it has advanced; of two uses with one counter, one is told so. Authenticators that do
 * not count say 0 every time.
 */
export async function advanceCounter(
  db: Db,
  id: string,
  use: { counter: number; backedUp: boolean; now: Date },
): Promise<boolean> {
  const { counter, backedUp, now } = use;
  const neverCounted = counter === 0 ? eq(passkeys.counter, 0) : undefined;
  const rows = await db
    .update(passkeys)
    .set({ counter, backedUp, lastUsedAt: now })
    .where(and(eq(passkeys.id, id), or(lt(passkeys.counter, counter), neverCounted)))
    .returning({ id: passkeys.id });
  return rows.length > 0;
}
