import { and, eq, inArray, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { type CellRow, type CellType, type JsonObject, notebookCells, notebooks } from "#db/schema";

/** A cell to be written: its id decides whether one that is there is meant. */
export interface CellDraft {
  id: string;
  cellType: CellType;
  source: string;
  metadata: JsonObject;
  /** Of an imported cell; one that is there keeps its own. */
  outputs?: JsonObject[];
  executionCount?: number | null;
  attachments?: JsonObject | null;
  extra?: JsonObject;
}

export const rowOf = (notebookId: string, cell: CellDraft, position: number) => ({
  notebookId,
  position,
  id: cell.id,
  cellType: cell.cellType,
  source: cell.source,
  metadata: cell.metadata,
  outputs: cell.outputs ?? [],
  executionCount: cell.executionCount ?? null,
  attachments: cell.attachments ?? null,
  extra: cell.extra ?? {},
});

/** First of every batch that changes the order: the others wait for it. */
const lock = (db: Db, notebookId: string, now: Date) =>
  db
    .update(notebooks)
    .set({ updatedAt: now })
    .where(eq(notebooks.id, notebookId))
    .returning({ id: notebooks.id });

const one = (notebookId: string, id: string) =>
  and(eq(notebookCells.notebookId, notebookId), eq(notebookCells.id, id));

export function listCells(db: Db, notebookId: string): Promise<CellRow[]> {
  return db
    .select()
    .from(notebookCells)
    .where(eq(notebookCells.notebookId, notebookId))
    .orderBy(notebookCells.position);
}

export async function findCell(db: Db, notebookId: string, id: string): Promise<CellRow | undefined> {
  const [row] = await db.select().from(notebookCells).where(one(notebookId, id));
  return row;
}

/** Puts a cell in at `position`, or at the end; `undefined` when the notebook is gone. */
export async function insertCell(
  db: Db,
  notebookId: string,
  cell: CellDraft,
  position: number,
  now: Date,
): Promise<CellRow | undefined> {
  const place = sql`(select least(${position}::bigint, count(*))::int from notebook_cells where notebook_id = ${notebookId})`;
  const [, , , rows] = await db.batch([
    lock(db, notebookId, now),
    db.execute(
      sql`update notebook_cells set position = position + 1 where notebook_id = ${notebookId} and position >= ${position}`,
    ),
    db.execute(sql`
      insert into notebook_cells (notebook_id, id, position, cell_type, source, metadata)
      select id, ${cell.id}, ${place}, ${cell.cellType}, ${cell.source}, ${JSON.stringify(cell.metadata)}::json
      from notebooks where id = ${notebookId}`),
    db.select().from(notebookCells).where(one(notebookId, cell.id)),
  ]);
  return rows[0];
}

export interface CellChange {
  source?: string | undefined;
  cellType?: CellType | undefined;
  metadata?: JsonObject | undefined;
}

/** Changes a cell and, with `position`, where it stands; `undefined` when it is gone. Only code has outputs. */
export async function updateCell(
  db: Db,
  notebookId: string,
  id: string,
  { source, cellType, metadata }: CellChange,
  position: number | undefined,
  now: Date,
): Promise<CellRow | undefined> {
  const change = {
    ...(source !== undefined && { source }),
    ...(cellType !== undefined && { cellType }),
    ...(cellType !== undefined &&
      cellType !== "code" && { outputs: [], executionCount: null, status: "idle" as const }),
    ...(metadata !== undefined && { metadata }),
  };
  const edit =
    Object.keys(change).length === 0
      ? db.execute(sql`select 1`)
      : db.update(notebookCells).set(change).where(one(notebookId, id));
  const answers = await db.batch([
    lock(db, notebookId, now),
    edit,
    position === undefined ? db.execute(sql`select 1`) : db.execute(moveTo(notebookId, id, position)),
    db.select().from(notebookCells).where(one(notebookId, id)),
  ]);
  return answers[3][0];
}

/** Renumbers the cells between the old place and the new one. */
const moveTo = (notebookId: string, id: string, position: number) => sql`
  with moved as (
    select c.position as was, (select least(${position}::bigint, count(*) - 1)::int from notebook_cells where notebook_id = ${notebookId}) as becomes
    from notebook_cells c where c.notebook_id = ${notebookId} and c.id = ${id}
  )
  update notebook_cells c set position = case
      when c.id = ${id} then moved.becomes
      when moved.was < moved.becomes then c.position - 1
      else c.position + 1 end
  from moved
  where c.notebook_id = ${notebookId}
    and c.position between least(moved.was, moved.becomes) and greatest(moved.was, moved.becomes)`;

export async function deleteCell(db: Db, notebookId: string, id: string, now: Date): Promise<boolean> {
  const [, gone] = await db.batch([
    lock(db, notebookId, now),
    db.execute(sql`
      with gone as (delete from notebook_cells where notebook_id = ${notebookId} and id = ${id} returning position),
      closed as (
        update notebook_cells c set position = c.position - 1 from gone
        where c.notebook_id = ${notebookId} and c.position > gone.position
      )
      select position from gone`),
  ]);
  return gone.rows.length > 0;
}

/** Makes `cells` the notebook's cells; those it has by that id keep their outputs, counters and attachments. */
export async function replaceCells(db: Db, notebookId: string, cells: CellDraft[], now: Date): Promise<void> {
  const ids = cells.map(({ id }) => id);
  const all = eq(notebookCells.notebookId, notebookId);
  const gone = ids.length === 0 ? all : and(all, sql`not ${inArray(notebookCells.id, ids)}`);
  const removal = db.delete(notebookCells).where(gone);
  if (cells.length === 0) {
    await db.batch([lock(db, notebookId, now), removal]);
    return;
  }
  const isCode = sql`excluded.cell_type = 'code'`;
  const upsert = db
    .insert(notebookCells)
    .values(cells.map((cell, position) => rowOf(notebookId, cell, position)))
    .onConflictDoUpdate({
      target: [notebookCells.notebookId, notebookCells.id],
      set: {
        position: sql`excluded.position`,
        source: sql`excluded.source`,
        cellType: sql`excluded.cell_type`,
        metadata: sql`excluded.metadata`,
        outputs: sql`case when ${isCode} then ${notebookCells.outputs} else '[]'::json end`,
        executionCount: sql`case when ${isCode} then ${notebookCells.executionCount} end`,
        status: sql`case when ${isCode} then ${notebookCells.status} else 'idle' end`,
      },
    });
  await db.batch([lock(db, notebookId, now), removal, upsert]);
}

export const countCells = (db: Db, notebookId: string): Promise<number> =>
  db.$count(notebookCells, eq(notebookCells.notebookId, notebookId));
