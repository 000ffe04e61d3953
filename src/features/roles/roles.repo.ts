import { asc, eq, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { type RoleRow, roles } from "#db/schema";

export const listRoles = (db: Db): Promise<RoleRow[]> => db.select().from(roles).orderBy(asc(roles.name));

export async function countRoles(db: Db): Promise<number> {
  const [row] = await db.select({ count: sql<number>`count(*)::int` }).from(roles);
  return row!.count;
}

export async function findRole(db: Db, name: string): Promise<RoleRow | undefined> {
  const [row] = await db.select().from(roles).where(eq(roles.name, name));
  return row;
}

type NewRole = Pick<RoleRow, "name" | "description" | "base" | "permissions" | "denied">;

/** `undefined` when the name is taken. */
export async function insertRole(db: Db, role: NewRole): Promise<RoleRow | undefined> {
  const [row] = await db.insert(roles).values(role).onConflictDoNothing().returning();
  return row;
}

export async function updateRole(
  db: Db,
  name: string,
  change: Partial<Pick<RoleRow, "description" | "permissions" | "denied">>,
  now: Date,
): Promise<RoleRow | undefined> {
  const [row] = await db
    .update(roles)
    .set({ ...change, updatedAt: now })
    .where(eq(roles.name, name))
    .returning();
  return row;
}

/** Throws a foreign key violation while an account has the role. */
export async function deleteRole(db: Db, name: string): Promise<boolean> {
  return (await db.delete(roles).where(eq(roles.name, name)).returning({ name: roles.name })).length > 0;
}
