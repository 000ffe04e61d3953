import { and, desc, eq, exists, isNotNull, or, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { identities, type IdentityRow, passkeys, users } from "#db/schema";
import { type Account, accountColumns } from "../accounts/index.ts";

type Key = Pick<IdentityRow, "issuer" | "subject">;
export type NewIdentity = Pick<IdentityRow, "userId" | "provider" | "issuer" | "subject" | "email">;

const isKey = ({ issuer, subject }: Key) =>
  and(eq(identities.issuer, issuer), eq(identities.subject, subject));

/** The account an identity belongs to. */
export async function findByIdentity(db: Db, key: Key): Promise<Account | undefined> {
  const [row] = await db
    .select(accountColumns)
    .from(users)
    .innerJoin(identities, eq(identities.userId, users.id))
    .where(isKey(key));
  return row;
}

/** Notes a sign-in by an identity, and the address it has now. */
export async function noteUse(db: Db, key: Key, email: string | null, now: Date): Promise<void> {
  await db.update(identities).set({ email, lastLoginAt: now }).where(isKey(key));
}

/** Adds an identity; tells whether it did, which it does not where somebody has it already. */
export async function insertIdentity(db: Db, identity: NewIdentity): Promise<boolean> {
  const rows = await db
    .insert(identities)
    .values(identity)
    .onConflictDoNothing()
    .returning({ id: identities.id });
  return rows.length > 0;
}

type Newcomer = Pick<Account, "id" | "email" | "name" | "role" | "emailVerifiedAt" | "approvedAt">;

/** Adds an account with its first identity, both or none. Throws where the address or the identity is taken. */
export async function insertNewcomer(
  db: Db,
  account: Newcomer,
  identity: Omit<NewIdentity, "userId">,
): Promise<Account> {
  const [[row]] = await db.batch([
    db.insert(users).values(account).returning(),
    db.insert(identities).values({ ...identity, userId: account.id }),
  ]);
  return { ...row!, hasTotp: false, passkeyCount: 0, recoveryCodeCount: 0 };
}

export function listIdentities(db: Db, userId: string): Promise<IdentityRow[]> {
  return db
    .select()
    .from(identities)
    .where(eq(identities.userId, userId))
    .orderBy(desc(identities.createdAt), desc(identities.id));
}

export async function findIdentity(db: Db, userId: string, id: string): Promise<IdentityRow | undefined> {
  const [row] = await db
    .select()
    .from(identities)
    .where(and(eq(identities.id, id), eq(identities.userId, userId)));
  return row;
}

/**
 * Removes an identity unless its account could not be entered any more. The account's identities are locked while they
 * are counted, so that of the last two, removed at once, one stays.
 */
export async function deleteIdentity(db: Db, userId: string, id: string): Promise<boolean> {
  const held = db
    .$with("held")
    .as(db.select({ id: identities.id }).from(identities).where(eq(identities.userId, userId)).for("update"));
  const hasPassword = db
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.id, userId), isNotNull(users.passwordHash)));
  const hasPasskey = db.select({ id: passkeys.id }).from(passkeys).where(eq(passkeys.userId, userId));
  const rows = await db
    .with(held)
    .delete(identities)
    .where(
      and(
        eq(identities.id, id),
        eq(identities.userId, userId),
        or(sql`(select count(*) from ${held}) > 1`, exists(hasPassword), exists(hasPasskey)),
      ),
    )
    .returning({ id: identities.id });
  return rows.length > 0;
}
