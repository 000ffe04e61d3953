import { inArray, lte, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { orphanBlobs } from "#db/schema";

/** Notes that nothing owns `key` yet. */
export async function insertOrphan(db: Db, key: string, deleteAfter: Date): Promise<void> {
  await db.insert(orphanBlobs).values({ key, deleteAfter });
}

/** Keys due for deletion, oldest first. */
export async function listDueOrphans(db: Db, now: Date, limit: number): Promise<string[]> {
  const rows = await db
    .select({ key: orphanBlobs.key })
    .from(orphanBlobs)
    .where(lte(orphanBlobs.deleteAfter, now))
    .orderBy(orphanBlobs.deleteAfter)
    .limit(limit);
  return rows.map((row) => row.key);
}

export async function deleteOrphans(db: Db, keys: string[]): Promise<void> {
  if (keys.length > 0) await db.delete(orphanBlobs).where(inArray(orphanBlobs.key, keys));
}

/** For a batch: the blob has an owner from here on. */
export const adopt = (db: Db, key: string) => db.delete(orphanBlobs).where(sql`${orphanBlobs.key} = ${key}`);
