import { and, eq, getTableColumns, gt, inArray, isNull, lte, or, type SQL, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { models, modelUploadParts, modelUploads, type ModelUploadRow, orphanBlobs } from "#db/schema";
import type { Scope } from "../../kernel/actor.ts";
import type { ArrivedPart } from "../../kernel/ports/part-uploads.ts";

const owned = (scope: Scope) => (scope === null ? undefined : eq(models.ownerId, scope));

const isUnderWay = inArray(modelUploads.state, ["open", "stored"]);

export type NewUpload = Omit<ModelUploadRow, "state" | "createdAt" | "ownerId" | "modelId"> & {
  ownerId: string;
  modelId: string;
};

/** How many uploads of the owner's are under way. */
export const countUnderWay = (db: Db, ownerId: string): Promise<number> =>
  db.$count(modelUploads, and(eq(modelUploads.ownerId, ownerId), isUnderWay));

/**
 * Keeps an upload with its blob's key, which nothing owns until it is a version; `false` when the owner has `limit` of
 * them under way, counted one request after the other.
 */
export async function insertUpload(
  db: Db,
  upload: NewUpload,
  limit: number,
  blobDue: Date,
): Promise<boolean> {
  const { ownerId, metrics } = upload;
  const [, , inserted] = await db.batch([
    db.execute(sql`select id from users where id = ${ownerId} for update`),
    db.execute(
      sql`insert into orphan_blobs (key, delete_after) values (${upload.blobKey}, ${blobDue.toISOString()})`,
    ),
    db.execute(sql`
      insert into model_uploads (id, owner_id, model_id, blob_key, storage_id, is_direct, file_name, file_size,
        part_size, sha256, metrics, training_run_id, expires_at)
      select ${upload.id}::uuid, ${ownerId}::uuid, ${upload.modelId}::uuid, ${upload.blobKey}, ${upload.storageId},
        ${upload.isDirect}::boolean, ${upload.fileName}, ${upload.fileSize}::bigint, ${upload.partSize}::bigint,
        ${upload.sha256}, ${metrics ? JSON.stringify(metrics) : null}::jsonb, ${upload.trainingRunId}::uuid,
        ${upload.expiresAt.toISOString()}::timestamptz
      where (select count(*) from model_uploads where owner_id = ${ownerId} and state in ('open', 'stored')) < ${limit}
      returning id`),
  ]);
  return inserted.rows.length > 0;
}

/** An upload to one of the caller's models, until it expires. */
export async function findUpload(
  db: Db,
  scope: Scope,
  modelId: string,
  id: string,
  now: Date,
): Promise<ModelUploadRow | undefined> {
  const [row] = await db
    .select(getTableColumns(modelUploads))
    .from(modelUploads)
    .innerJoin(models, eq(models.id, modelUploads.modelId))
    .where(
      and(
        eq(modelUploads.id, id),
        eq(modelUploads.modelId, modelId),
        gt(modelUploads.expiresAt, now),
        owned(scope),
      ),
    );
  return row;
}

/** Notes a part that came through the Worker, in place of an earlier one. The caller has found the upload. */
export async function upsertPart(
  db: Db,
  uploadId: string,
  { number, etag, size }: ArrivedPart,
): Promise<void> {
  await db
    .insert(modelUploadParts)
    .values({ uploadId, number, etag, size })
    .onConflictDoUpdate({
      target: [modelUploadParts.uploadId, modelUploadParts.number],
      set: { etag, size },
    });
}

/** By number. The caller has found the upload. */
export const listParts = (db: Db, uploadId: string): Promise<ArrivedPart[]> =>
  db
    .select({ number: modelUploadParts.number, etag: modelUploadParts.etag, size: modelUploadParts.size })
    .from(modelUploadParts)
    .where(eq(modelUploadParts.uploadId, uploadId))
    .orderBy(modelUploadParts.number);

/** The store has put the parts together. The caller has found the upload. */
export async function markStored(db: Db, id: string): Promise<void> {
  await db
    .update(modelUploads)
    .set({ state: "stored" })
    .where(and(eq(modelUploads.id, id), eq(modelUploads.state, "open")));
}

/** Gives the blobs of those uploads to the sweep, except what became a version. */
const dropBlobs = (db: Db, which: SQL | undefined, now: Date) =>
  db
    .insert(orphanBlobs)
    .select(
      db
        .select({
          key: modelUploads.blobKey,
          deleteAfter: sql`${now.toISOString()}::timestamptz`.as("delete_after"),
        })
        .from(modelUploads)
        .where(and(which, isUnderWay)),
    )
    .onConflictDoUpdate({ target: orphanBlobs.key, set: { deleteAfter: now } });

/** The file is not what it was to be: it goes, and the upload says so. The caller has found the upload. */
export async function refuseUpload(db: Db, id: string, now: Date): Promise<void> {
  const which = and(eq(modelUploads.id, id), eq(modelUploads.state, "stored"));
  await db.batch([dropBlobs(db, which, now), db.update(modelUploads).set({ state: "refused" }).where(which)]);
}

/**
 * Forgets uploads that have not become versions, and leaves their blobs to the sweep. Waits for versions on their way
 * into the models, which look whether their upload is still there. Returns how many went.
 */
async function deleteWhere(db: Db, which: SQL | undefined, now: Date): Promise<number> {
  const modelIds = db.select({ id: modelUploads.modelId }).from(modelUploads).where(which);
  const [, , gone] = await db.batch([
    db
      .select({ id: models.id })
      .from(models)
      .where(inArray(models.id, modelIds))
      .orderBy(models.id)
      .for("update"),
    dropBlobs(db, which, now),
    db.delete(modelUploads).where(which).returning({ id: modelUploads.id }),
  ]);
  return gone.length;
}

/** Forgets an upload unless it became a version. The caller has found it. */
export async function deleteUpload(db: Db, id: string, now: Date): Promise<boolean> {
  const unlessDone = inArray(modelUploads.state, ["open", "stored", "refused"]);
  return (await deleteWhere(db, and(eq(modelUploads.id, id), unlessDone), now)) > 0;
}

/** What has expired, or has nobody and nothing it is for any more; the oldest first. */
export const listDue = (db: Db, now: Date, limit: number): Promise<ModelUploadRow[]> =>
  db
    .select()
    .from(modelUploads)
    .where(or(lte(modelUploads.expiresAt, now), isNull(modelUploads.modelId), isNull(modelUploads.ownerId)))
    .orderBy(modelUploads.expiresAt)
    .limit(limit);

export const deleteDue = (db: Db, id: string, now: Date): Promise<number> =>
  deleteWhere(db, eq(modelUploads.id, id), now);
