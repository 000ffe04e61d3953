import { and, eq, inArray, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { agents, datasets, endpoints, models, notebooks, runs, users } from "#db/schema";
import { heldAdmins, isExpendable, isSpared, lockAdmins } from "../accounts/index.ts";

/** Every table of things that have an owner, blobs, pools or machines behind them: none may go by a cascade. */
export const OWNED = { datasets, models, runs, endpoints, agents, notebooks };

export type Holdings = Record<keyof typeof OWNED, number>;

const tables = Object.values(OWNED);

/** How much of everything an account owns. */
export async function countHoldings(db: Db, ownerId: string): Promise<Holdings> {
  const names = Object.keys(OWNED) as (keyof typeof OWNED)[];
  const counts = await Promise.all(tables.map((table) => db.$count(table, eq(table.ownerId, ownerId))));
  return Object.fromEntries(names.map((name, i) => [name, counts[i]!])) as Holdings;
}

const ownsNothing = (id: string) =>
  and(...tables.map((table) => sql`not exists (select from ${table} where ${table.ownerId} = ${id})`));

/**
 * Deletes an account that owns nothing, after `heirId` got what it owned, in one transaction; tells whether it did:
 * not when the account is gone, still owns things, or is the last administrator. Whoever gives it something meanwhile
 * waits, and is then refused by the foreign key. Throws on names the heir has too. Agents go over without their tokens,
 * which whoever leaves still has.
 */
export async function deleteOwner(db: Db, id: string, heirId: string | null): Promise<boolean> {
  const moves = heirId === null ? [] : tables.map((table) => moveTo(db, table, id, heirId));
  const deletion = db
    .with(heldAdmins(db, id))
    .delete(users)
    .where(and(eq(users.id, id), isSpared(id), ownsNothing(id)))
    .returning({ id: users.id });
  const answers = await db.batch([lockAdmins(db, id, heirId), ...moves, deletion]);
  return (answers.at(-1) as { id: string }[]).length > 0;
}

const moveTo = (db: Db, table: (typeof tables)[number], ownerId: string, heirId: string) =>
  db
    .update(table)
    .set({ ownerId: heirId, ...(table === agents && { tokenHash: null, tokenIssuedAt: null }) })
    .where(and(eq(table.ownerId, ownerId), isExpendable(db, ownerId)))
    .returning({ id: table.id });

/** Runs of an owner that have not ended. */
export async function liveRunsOf(db: Db, ownerId: string): Promise<string[]> {
  const rows = await db
    .select({ id: runs.id })
    .from(runs)
    .where(and(eq(runs.ownerId, ownerId), inArray(runs.status, ["pending", "running"])));
  return rows.map(({ id }) => id);
}
