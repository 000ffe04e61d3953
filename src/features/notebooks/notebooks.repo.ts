import { and, eq, getTableColumns, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { behind, newestFirst } from "#db/page";
import { notebookCells, notebookCheckpoints, type NotebookRow, notebooks, orphanBlobs } from "#db/schema";
import type { Scope } from "../../kernel/actor.ts";
import type { Page } from "../../kernel/page.ts";
import { type CellDraft, rowOf } from "./cells.repo.ts";

const owned = (scope: Scope) => (scope === null ? undefined : eq(notebooks.ownerId, scope));
const mine = (scope: Scope, id: string) => and(eq(notebooks.id, id), owned(scope));

/** A row of the list: the notebook with how many cells it has. */
export interface CountedNotebook extends NotebookRow {
  cellCount: number;
}

const counted = {
  ...getTableColumns(notebooks),
  cellCount: sql<number>`(select count(*)::int from notebook_cells c where c.notebook_id = notebooks.id)`,
};
// The list goes by the last change.
const listed = { createdAt: notebooks.updatedAt, id: notebooks.id };

/** Latest change first, one row more than asked for. */
export function listNotebooks(db: Db, scope: Scope, { limit, after }: Page): Promise<CountedNotebook[]> {
  return db
    .select(counted)
    .from(notebooks)
    .where(and(owned(scope), behind(listed, after)))
    .orderBy(...newestFirst(listed))
    .limit(limit + 1);
}

export async function findNotebook(db: Db, scope: Scope, id: string): Promise<NotebookRow | undefined> {
  const [row] = await db.select().from(notebooks).where(mine(scope, id));
  return row;
}

/** Makes a notebook with its cells, both or neither. */
export async function insertNotebook(
  db: Db,
  notebook: typeof notebooks.$inferInsert & { id: string },
  cells: CellDraft[],
): Promise<NotebookRow> {
  const insertion = db.insert(notebooks).values(notebook).returning();
  if (cells.length === 0) return (await insertion)[0]!;
  const rows = cells.map((cell, position) => rowOf(notebook.id, cell, position));
  const [made] = await db.batch([insertion, db.insert(notebookCells).values(rows)]);
  return made[0]!;
}

export type NotebookChange = Partial<Pick<NotebookRow, "name" | "description" | "modelId" | "datasetId">>;

export async function updateNotebook(
  db: Db,
  scope: Scope,
  id: string,
  change: NotebookChange,
  now: Date,
): Promise<boolean> {
  const rows = await db
    .update(notebooks)
    .set({ ...change, updatedAt: now })
    .where(mine(scope, id))
    .returning({ id: notebooks.id });
  return rows.length > 0;
}

/** Deletes a notebook with its cells and checkpoints; their files are left to the sweep in the same transaction. Whose it was, if it was. */
export async function deleteNotebook(
  db: Db,
  scope: Scope,
  id: string,
  now: Date,
): Promise<{ ownerId: string } | undefined> {
  const files = sql`
    insert into ${orphanBlobs} (key, delete_after)
    select files.key, ${now.toISOString()}::timestamptz
    from ${notebookCheckpoints} c
      join ${notebooks} n on n.id = c.notebook_id
      cross join lateral (values (c.blob_key), (c.optimizer_blob_key)) as files (key)
    where n.id = ${id} and ${scope === null ? sql`true` : sql`n.owner_id = ${scope}`} and files.key is not null
    on conflict do nothing`;
  const [, , deleted] = await db.batch([
    // A checkpoint that is just being added waits, and is then refused.
    db.select({ id: notebooks.id }).from(notebooks).where(mine(scope, id)).for("update"),
    db.execute(files),
    db.delete(notebooks).where(mine(scope, id)).returning({ ownerId: notebooks.ownerId }),
  ]);
  return deleted[0];
}
