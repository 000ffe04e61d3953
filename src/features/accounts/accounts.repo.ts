import { and, eq, getTableColumns, isNull, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import {
  agents,
  apiTokens,
  identities,
  passkeys,
  recoveryCodes,
  roles,
  totpSecrets,
  type UserRow,
  users,
} from "#db/schema";
import type { Standing } from "./rank.ts";

/** An account with the second factors it has. */
export interface Account extends UserRow {
  hasTotp: boolean;
  passkeyCount: number;
  recoveryCodeCount: number;
}

// Written out: drizzle leaves the table off when a query names one table only, and `id` would be the inner table's.
const accountId = sql`${users}.${sql.identifier(users.id.name)}`;

const hasTotp = sql<boolean>`exists (select from ${totpSecrets} where ${totpSecrets.userId} = ${accountId} and ${totpSecrets.enabledAt} is not null)`;

// Recovery codes are no factor.
const hasFactor = sql<boolean>`(${hasTotp} or exists (select from ${passkeys} where ${passkeys.userId} = ${accountId}))`;

/** The columns of `Account`, for queries of other features that join accounts. */
export const accountColumns = {
  ...getTableColumns(users),
  hasTotp,
  passkeyCount: sql<number>`(select count(*)::int from ${passkeys} where ${passkeys.userId} = ${accountId})`,
  recoveryCodeCount: sql<number>`(select count(*)::int from ${recoveryCodes} where ${recoveryCodes.userId} = ${accountId} and ${recoveryCodes.usedAt} is null)`,
};

/** For queries of other features that join accounts: joins the custom role an account may have. */
export const onCustomRole = eq(roles.name, users.customRole);

/** The columns of `Standing`, for queries that join accounts and their custom roles. */
export const standingColumns = {
  role: users.role,
  denied: users.denied,
  custom: { permissions: roles.permissions, denied: roles.denied },
};

/** The columns of `Caller`, likewise. */
export const callerColumns = {
  id: users.id,
  email: users.email,
  customRole: users.customRole,
  hasFactor,
  ...standingColumns,
};

export async function findAccount(db: Db, id: string): Promise<Account | undefined> {
  const [row] = await db.select(accountColumns).from(users).where(eq(users.id, id));
  return row;
}

/** The statement that finds an account, for who sends it together with others. */
export const accountByEmail = (db: Db, email: string) =>
  db.select(accountColumns).from(users).where(eq(users.email, email));

export async function findAccountByEmail(db: Db, email: string): Promise<Account | undefined> {
  const [row] = await accountByEmail(db, email);
  return row;
}

/** What decides on what an account may do, the custom role's part read along. */
export async function findStanding(db: Db, id: string): Promise<Standing | undefined> {
  const [row] = await db
    .select(standingColumns)
    .from(users)
    .leftJoin(roles, onCustomRole)
    .where(eq(users.id, id));
  return row;
}

type NewAccount = Pick<UserRow, "email" | "name"> &
  Partial<Pick<UserRow, "role" | "customRole" | "passwordHash" | "approvedAt">>;

/** Adds an account; `undefined` when the address is taken. */
export async function insertAccount(db: Db, account: NewAccount): Promise<Account | undefined> {
  const [row] = await db
    .insert(users)
    .values(account)
    .onConflictDoNothing({ target: users.email })
    .returning();
  return row && { ...row, hasTotp: false, passkeyCount: 0, recoveryCodeCount: 0 };
}

export type AccountChange = Partial<Omit<UserRow, "id" | "createdAt" | "updatedAt">>;

/** Changes an account; `undefined` when it is gone. Throws on an address that is taken. */
export async function updateAccount(
  db: Db,
  id: string,
  change: AccountChange,
  now: Date,
): Promise<UserRow | undefined> {
  const [row] = await db
    .update(users)
    .set({ ...change, updatedAt: now })
    .where(eq(users.id, id))
    .returning();
  return row;
}

/** Marks an address as shown to be its owner's; tells whether it was not before. */
export async function verifyAddress(db: Db, id: string, email: string, now: Date): Promise<boolean> {
  const rows = await db
    .update(users)
    .set({ emailVerifiedAt: now, updatedAt: now })
    .where(and(eq(users.id, id), eq(users.email, email), isNull(users.emailVerifiedAt)))
    .returning({ id: users.id });
  return rows.length > 0;
}

/** Addresses of the administrators who can be written to. */
export async function adminAddresses(db: Db): Promise<string[]> {
  const rows = await db
    .select({ email: users.email })
    .from(users)
    .where(and(eq(users.role, "admin"), isNull(users.suspendedAt)));
  return rows.map(({ email }) => email);
}

/** Takes away all that opens an account but its password and its sessions: tokens, factors, identities. */
export async function dropCredentials(db: Db, userId: string): Promise<void> {
  await db.batch([
    db.delete(apiTokens).where(eq(apiTokens.userId, userId)),
    db.delete(totpSecrets).where(eq(totpSecrets.userId, userId)),
    db.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId)),
    db.delete(passkeys).where(eq(passkeys.userId, userId)),
    db.delete(identities).where(eq(identities.userId, userId)),
    db.update(agents).set({ tokenHash: null, tokenIssuedAt: null }).where(eq(agents.ownerId, userId)),
  ]);
}
