import { and, eq, ilike, isNotNull, isNull, or, type SQL } from "drizzle-orm";
import type { Db } from "#db/client";
import { escapeLike } from "#db/like";
import { behind, newestFirst } from "#db/page";
import { roles, type RoleRow, type UserRow, users } from "#db/schema";
import type { Role } from "../../kernel/actor.ts";
import type { Page } from "../../kernel/page.ts";
import { type Account, accountColumns, heldAdmins, isSpared, onCustomRole } from "../accounts/index.ts";
import type { UserStatus } from "./users.schema.ts";

export interface UserFilter {
  role?: Role | undefined;
  status?: UserStatus | undefined;
  /** A part of the address or the name. */
  search?: string | undefined;
}

function hasStatus(status: UserStatus): SQL | undefined {
  if (status === "suspended") return isNotNull(users.suspendedAt);
  return and(
    isNull(users.suspendedAt),
    status === "pending" ? isNull(users.approvedAt) : isNotNull(users.approvedAt),
  );
}

function contains(text: string): SQL | undefined {
  const pattern = `%${escapeLike(text)}%`;
  return or(ilike(users.email, pattern), ilike(users.name, pattern));
}

/** Newest first, one row more than asked for. */
export function listUsers(
  db: Db,
  { role, status, search }: UserFilter,
  { limit, after }: Page,
): Promise<Account[]> {
  return db
    .select(accountColumns)
    .from(users)
    .where(
      and(
        role && eq(users.role, role),
        status && hasStatus(status),
        search === undefined ? undefined : contains(search),
        behind(users, after),
      ),
    )
    .orderBy(...newestFirst(users))
    .limit(limit + 1);
}

/** An account with its custom role. */
export interface Member {
  account: Account;
  role: RoleRow | null;
}

export async function findMember(db: Db, id: string): Promise<Member | undefined> {
  const [row] = await db
    .select({ account: accountColumns, role: roles })
    .from(users)
    .leftJoin(roles, onCustomRole)
    .where(eq(users.id, id));
  return row;
}

export type UserChange = Partial<
  Pick<
    UserRow,
    | "email"
    | "name"
    | "role"
    | "customRole"
    | "denied"
    | "emailVerifiedAt"
    | "suspendedAt"
    | "suspendedReason"
  >
>;

/** Changes an account; not when it is gone, nor when nobody would be left to administer. Throws on a taken address. */
export async function updateUser(db: Db, id: string, change: UserChange, now: Date): Promise<boolean> {
  const rows = await db
    .with(heldAdmins(db, id))
    .update(users)
    .set({ ...change, updatedAt: now })
    .where(and(eq(users.id, id), weakens(change) ? isSpared(id) : undefined))
    .returning({ id: users.id });
  return rows.length > 0;
}

const weakens = ({ role, customRole, denied, suspendedAt }: UserChange): boolean =>
  (role !== undefined && role !== "admin") ||
  (customRole !== undefined && customRole !== null) ||
  (denied !== undefined && denied.length > 0) ||
  (suspendedAt !== undefined && suspendedAt !== null);

/** Lets an account in; tells whether it was not before. */
export async function approveUser(db: Db, id: string, now: Date): Promise<boolean> {
  const rows = await db
    .update(users)
    .set({ approvedAt: now, updatedAt: now })
    .where(and(eq(users.id, id), isNull(users.approvedAt)))
    .returning({ id: users.id });
  return rows.length > 0;
}
