import { and, desc, eq, getTableColumns, lt, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import {
  models,
  modelVersions,
  type ModelVersionRow,
  orphanBlobs,
  runs,
  type VersionSource,
} from "#db/schema";
import type { Scope } from "../../kernel/actor.ts";
import type { StoredFile } from "../files/index.ts";

const owned = (scope: Scope) => (scope === null ? undefined : eq(models.ownerId, scope));

export function listVersions(
  db: Db,
  modelId: string,
  limit: number,
  below?: number,
): Promise<ModelVersionRow[]> {
  return db
    .select()
    .from(modelVersions)
    .where(
      and(
        eq(modelVersions.modelId, modelId),
        below === undefined ? undefined : lt(modelVersions.version, below),
      ),
    )
    .orderBy(desc(modelVersions.version))
    .limit(limit);
}

export interface OwnedVersion extends ModelVersionRow {
  ownerId: string;
  modelName: string;
}

const withOwner = { ...getTableColumns(modelVersions), ownerId: models.ownerId, modelName: models.name };

export async function findVersion(
  db: Db,
  scope: Scope,
  modelId: string,
  version: number,
): Promise<OwnedVersion | undefined> {
  const [row] = await db
    .select(withOwner)
    .from(modelVersions)
    .innerJoin(models, eq(models.id, modelVersions.modelId))
    .where(and(eq(modelVersions.modelId, modelId), eq(modelVersions.version, version), owned(scope)));
  return row;
}

export async function findVersionById(db: Db, scope: Scope, id: string): Promise<OwnedVersion | undefined> {
  const [row] = await db
    .select(withOwner)
    .from(modelVersions)
    .innerJoin(models, eq(models.id, modelVersions.modelId))
    .where(and(eq(modelVersions.id, id), owned(scope)));
  return row;
}

export interface NewVersion {
  /** A new one when absent; a version with this id is not made twice. */
  id?: string;
  modelId: string;
  source: VersionSource;
  file: StoredFile;
  metrics?: Record<string, unknown> | undefined;
  trainingRunId?: string | undefined;
}

/**
 * Gives the file the model's next number, atomically. `undefined` when the model is gone, or when a run has
 * registered its result before (the number is then used up, never reused).
 */
export async function insertVersion(db: Db, input: NewVersion): Promise<ModelVersionRow | undefined> {
  const { file, id = crypto.randomUUID() } = input;
  await db.batch([
    db.execute(sql`
      with number as (
        update models set next_version = next_version + 1, updated_at = now() where id = ${input.modelId}
        returning id, next_version - 1 as version
      )
      insert into model_versions
        (id, model_id, version, source, file_name, blob_key, file_size, sha256, metrics, training_run_id)
      select ${id}, id, version, ${input.source}, ${file.fileName}, ${file.blobKey}, ${file.fileSize}, ${file.sha256},
        ${input.metrics ? JSON.stringify(input.metrics) : null}::jsonb, ${input.trainingRunId ?? null}
      from number
      on conflict do nothing`),
    db.execute(
      sql`delete from orphan_blobs where key in (select blob_key from model_versions where id = ${id})`,
    ),
  ]);
  const [row] = await db.select().from(modelVersions).where(eq(modelVersions.id, id));
  return row;
}

export async function findVersionOfRun(db: Db, runId: string): Promise<ModelVersionRow | undefined> {
  const [row] = await db
    .select()
    .from(modelVersions)
    .where(and(eq(modelVersions.trainingRunId, runId), eq(modelVersions.source, "run")));
  return row;
}

/** Deletes one version; its file is left to the sweep in the same transaction. */
export async function deleteVersion(db: Db, version: ModelVersionRow, now: Date): Promise<void> {
  await db.batch([
    db.insert(orphanBlobs).values({ key: version.blobKey, deleteAfter: now }).onConflictDoNothing(),
    db.delete(modelVersions).where(eq(modelVersions.id, version.id)),
  ]);
}

export async function ownsRun(db: Db, scope: Scope, runId: string): Promise<boolean> {
  const mine = scope === null ? undefined : eq(runs.ownerId, scope);
  const rows = await db
    .select({ id: runs.id })
    .from(runs)
    .where(and(eq(runs.id, runId), mine));
  return rows.length > 0;
}
