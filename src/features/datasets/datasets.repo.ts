import { and, eq } from "drizzle-orm";
import type { Db } from "#db/client";
import { behind, newestFirst } from "#db/page";
import { type DatasetRow, datasets, orphanBlobs } from "#db/schema";
import type { Scope } from "../../kernel/actor.ts";
import type { Page } from "../../kernel/page.ts";
import { adopt } from "../files/index.ts";

const owned = (scope: Scope) => (scope === null ? undefined : eq(datasets.ownerId, scope));

export function listDatasets(db: Db, scope: Scope, { limit, after }: Page): Promise<DatasetRow[]> {
  return db
    .select()
    .from(datasets)
    .where(and(owned(scope), behind(datasets, after)))
    .orderBy(...newestFirst(datasets))
    .limit(limit + 1);
}

export async function findDataset(db: Db, scope: Scope, id: string): Promise<DatasetRow | undefined> {
  const [row] = await db
    .select()
    .from(datasets)
    .where(and(eq(datasets.id, id), owned(scope)));
  return row;
}

/** Adds the row and takes the blob over in one transaction. */
export async function insertDataset(db: Db, dataset: typeof datasets.$inferInsert): Promise<DatasetRow> {
  const [[row]] = await db.batch([
    db.insert(datasets).values(dataset).returning(),
    adopt(db, dataset.blobKey),
  ]);
  return row!;
}

/** Deletes the row and leaves its blob to the sweep in one transaction. */
export async function deleteDataset(db: Db, dataset: DatasetRow, now: Date): Promise<void> {
  await db.batch([
    db.insert(orphanBlobs).values({ key: dataset.blobKey, deleteAfter: now }).onConflictDoNothing(),
    db.delete(datasets).where(eq(datasets.id, dataset.id)),
  ]);
}
