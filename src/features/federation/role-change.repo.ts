import { and, eq, isNull } from "drizzle-orm";
import type { Db } from "#db/client";
import { users } from "#db/schema";
import type { Role } from "../../kernel/actor.ts";
import { heldAdmins, isSpared } from "../accounts/index.ts";

/**
 * Gives an account the role its provider says, unless an administrator has decided otherwise (a custom role, an account
 * of the configuration's) or nobody would be left to administer.
 */
export async function changeRole(db: Db, userId: string, role: Role, now: Date): Promise<boolean> {
  const rows = await db
    .with(heldAdmins(db, userId))
    .update(users)
    .set({ role, updatedAt: now })
    .where(
      and(
        eq(users.id, userId),
        isNull(users.customRole),
        eq(users.provisioned, false),
        role === "admin" ? undefined : isSpared(userId),
      ),
    )
    .returning({ id: users.id });
  return rows.length > 0;
}
