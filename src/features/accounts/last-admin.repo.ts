import { and, eq, isNull, or, type SQL, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { users } from "#db/schema";

/** An account that can put everything right again: an administrator with nothing taken away. */
const isFullAdmin = and(
  eq(users.role, "admin"),
  isNull(users.customRole),
  isNull(users.suspendedAt),
  sql`${users.denied} = '[]'::jsonb`,
)!;

const concerned = (id: string): SQL => or(eq(users.id, id), isFullAdmin)!;

/**
 * For `db.with(…)`: locks the account and all full administrators, in one order for all callers. Who had to wait sees
 * the rows as the one before left them, so of two administrators demoted at once one stays.
 */
export const heldAdmins = (db: Db, id: string) =>
  db.$with("held").as(
    db
      .select({ id: users.id, isFull: sql<boolean>`${isFullAdmin}`.as("is_full") })
      .from(users)
      .where(concerned(id))
      .orderBy(users.id)
      .for("update"),
  );

/** Beside `heldAdmins`: the account is no full administrator, or not the only one. */
export const isSpared = (id: string): SQL =>
  sql`(not exists (select from held where held.id = ${id} and held.is_full) or (select count(*) from held where held.is_full) > 1)`;

/** For a transaction that changes more than the account: the same lock, taken first. */
export const lockAdmins = (db: Db, id: string, alsoId: string | null) =>
  db
    .select({ id: users.id })
    .from(users)
    .where(or(concerned(id), alsoId === null ? undefined : eq(users.id, alsoId)))
    .orderBy(users.id)
    .for("update");

/** After `lockAdmins`: the account is there, and is not the only full administrator. */
export const isExpendable = (db: Db, id: string): SQL =>
  sql`exists (${db
    .select({ one: sql`1` })
    .from(users)
    .where(and(eq(users.id, id), sql`(not (${isFullAdmin}) or (${countFull(db)}) > 1)`))})`;

const countFull = (db: Db) =>
  db
    .select({ count: sql`count(*)` })
    .from(users)
    .where(isFullAdmin);
