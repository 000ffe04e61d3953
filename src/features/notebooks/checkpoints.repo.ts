import { and, desc, eq, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { behind, newestFirst } from "#db/page";
import { type CheckpointRow, notebookCheckpoints } from "#db/schema";
import type { Page } from "../../kernel/page.ts";
import { adopt, type StoredFile } from "../files/index.ts";

const of = (notebookId: string) => eq(notebookCheckpoints.notebookId, notebookId);

/** Newest first, one row more than asked for. */
export function listCheckpoints(
  db: Db,
  notebookId: string,
  { limit, after }: Page,
): Promise<CheckpointRow[]> {
  return db
    .select()
    .from(notebookCheckpoints)
    .where(and(of(notebookId), behind(notebookCheckpoints, after)))
    .orderBy(...newestFirst(notebookCheckpoints))
    .limit(limit + 1);
}

export async function findCheckpoint(
  db: Db,
  notebookId: string,
  id: string,
): Promise<CheckpointRow | undefined> {
  const [row] = await db
    .select()
    .from(notebookCheckpoints)
    .where(and(of(notebookId), eq(notebookCheckpoints.id, id)));
  return row;
}

export interface NewCheckpoint {
  notebookId: string;
  epoch: number;
  step: number;
  metrics: unknown;
  model: StoredFile;
  optimizer?: StoredFile | undefined;
}

/** Throws a foreign-key violation when the notebook is gone; the files are then the sweep's. */
export async function insertCheckpoint(db: Db, input: NewCheckpoint): Promise<CheckpointRow> {
  const { notebookId, epoch, step, metrics, model, optimizer } = input;
  const insertion = db
    .insert(notebookCheckpoints)
    .values({
      ...{ notebookId, epoch, step, metrics },
      ...{ blobKey: model.blobKey, fileSize: model.fileSize, sha256: model.sha256 },
      ...(optimizer && {
        optimizerBlobKey: optimizer.blobKey,
        optimizerFileSize: optimizer.fileSize,
        optimizerSha256: optimizer.sha256,
      }),
    })
    .returning();
  const adoptions = [model, ...(optimizer ? [optimizer] : [])].map(({ blobKey }) => adopt(db, blobKey));
  const [rows] = await db.batch([insertion, ...adoptions]);
  return rows[0]!;
}

/** Gives a checkpoint its optimizer's state, once; `undefined` when it has one or is gone. */
export async function addOptimizer(
  db: Db,
  notebookId: string,
  id: string,
  file: StoredFile,
): Promise<CheckpointRow | undefined> {
  const free = sql`${notebookCheckpoints.optimizerBlobKey} is null`;
  const change = {
    optimizerBlobKey: file.blobKey,
    optimizerFileSize: file.fileSize,
    optimizerSha256: file.sha256,
  };
  const [rows] = await db.batch([
    db
      .update(notebookCheckpoints)
      .set(change)
      .where(and(of(notebookId), eq(notebookCheckpoints.id, id), free))
      .returning(),
    db.execute(
      sql`delete from orphan_blobs where key in (select optimizer_blob_key from notebook_checkpoints where id = ${id})`,
    ),
  ]);
  return rows[0];
}

/** The checkpoint with the lowest or highest number under a metric's name; the older one of equals. */
export async function findBest(
  db: Db,
  notebookId: string,
  metric: string,
  minimize: boolean,
): Promise<CheckpointRow | undefined> {
  const { metrics, createdAt, id } = notebookCheckpoints;
  const value = sql`(${metrics} ->> ${metric})::double precision`;
  const [row] = await db
    .select()
    .from(notebookCheckpoints)
    .where(and(of(notebookId), sql`json_typeof(${metrics} -> ${metric}) = 'number'`))
    .orderBy(minimize ? value : desc(value), createdAt, id)
    .limit(1);
  return row;
}
