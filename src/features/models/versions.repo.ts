import { and, desc, eq, getTableColumns, inArray, isNull, lt, type SQL, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import {
  type MadeBy,
  modelAliases,
  models,
  modelVersions,
  type ModelVersionRow,
  orphanBlobs,
  runs,
  type Signature,
  type VersionSource,
} from "#db/schema";
import type { Scope } from "../../kernel/actor.ts";
import type { StoredFile } from "../files/index.ts";
import type { VersionRef } from "./version-ref.ts";
import type { NamedVersion } from "./versions.schema.ts";

const owned = (scope: Scope) => (scope === null ? undefined : eq(models.ownerId, scope));

const aliases = sql<string[]>`coalesce((
  select jsonb_agg(a.alias order by a.alias) from model_aliases a where a.version_id = "model_versions"."id"
), '[]'::jsonb)`;
const named = { ...getTableColumns(modelVersions), aliases };
const withOwner = { ...named, ownerId: models.ownerId, modelName: models.name };

/** Highest number first. The caller has checked whose model it is. */
export function listVersions(
  db: Db,
  modelId: string,
  limit: number,
  below?: number,
): Promise<NamedVersion[]> {
  return db
    .select(named)
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

export interface OwnedVersion extends NamedVersion {
  ownerId: string;
  modelName: string;
}

/** The one version that meets a condition on it and its model. */
export async function findOneVersion(db: Db, condition: SQL | undefined): Promise<OwnedVersion | undefined> {
  const [row] = await db
    .select(withOwner)
    .from(modelVersions)
    .innerJoin(models, eq(models.id, modelVersions.modelId))
    .where(condition);
  return row;
}

/** Whether it is the version of the model that is called so. */
export function isCalled(db: Db, modelId: string, ref: VersionRef): SQL | undefined {
  const ofModel = eq(modelVersions.modelId, modelId);
  if ("number" in ref) return and(ofModel, eq(modelVersions.version, ref.number));
  if ("id" in ref) return and(ofModel, eq(modelVersions.id, ref.id));
  const target = db
    .select({ id: modelAliases.versionId })
    .from(modelAliases)
    .where(and(eq(modelAliases.modelId, modelId), eq(modelAliases.alias, ref.alias)));
  return and(ofModel, inArray(modelVersions.id, target));
}

export const findVersion = (
  db: Db,
  scope: Scope,
  modelId: string,
  ref: VersionRef,
): Promise<OwnedVersion | undefined> => findOneVersion(db, and(isCalled(db, modelId, ref), owned(scope)));

export const findVersionById = (db: Db, scope: Scope, id: string): Promise<OwnedVersion | undefined> =>
  findOneVersion(db, and(eq(modelVersions.id, id), owned(scope)));

export const findVersionOfRun = (db: Db, runId: string): Promise<OwnedVersion | undefined> =>
  findOneVersion(db, and(eq(modelVersions.trainingRunId, runId), eq(modelVersions.source, "run")));

export interface NewVersion {
  /** A new one when absent; a version with this id is not made twice. */
  id?: string;
  modelId: string;
  source: VersionSource;
  file: StoredFile;
  format?: string | null;
  signature?: Signature | null;
  metrics?: Record<string, unknown> | undefined;
  trainingRunId?: string | undefined;
  /** What it was made of. */
  parentId?: string;
  madeBy?: MadeBy;
  /** The upload in parts that it comes from, which has to be there and not to be a version yet. */
  uploadId?: string;
}

const jsonb = (value: object | null | undefined): SQL => sql`${value ? JSON.stringify(value) : null}::jsonb`;

/** The dataset of what a version comes from: of its run as that is now, else of its parent as that was then. */
const lineageOf = ({ trainingRunId, parentId }: NewVersion): SQL => sql`
  select d.id, d.sha256 from runs r join datasets d on d.id = r.dataset_id where r.id = ${trainingRunId ?? null}
  union all
  select p.dataset_id, p.dataset_sha256 from model_versions p where p.id = ${parentId ?? null}
  limit 1`;

const mayBecomeVersion = (uploadId: string | undefined): SQL =>
  uploadId === undefined
    ? sql`true`
    : sql`exists (select 1 from model_uploads u where u.id = ${uploadId} and u.state = 'stored')`;

/**
 * Gives the file the model's next number, atomically. `undefined` when the model is gone, or when a run has
 * registered its result before (the number is then used up, never reused).
 */
export async function insertVersion(db: Db, input: NewVersion): Promise<OwnedVersion | undefined> {
  const { file, id = crypto.randomUUID() } = input;
  await db.batch([
    // In a statement of its own, so that the next one sees what whoever held the model has done.
    db.execute(sql`select id from models where id = ${input.modelId} for update`),
    db.execute(sql`
      with number as (
        update models set next_version = next_version + 1, updated_at = now()
        where id = ${input.modelId} and ${mayBecomeVersion(input.uploadId)}
        returning id, next_version - 1 as version
      ), lineage (dataset_id, dataset_sha256) as (${lineageOf(input)})
      insert into model_versions
        (id, model_id, version, source, file_name, blob_key, file_size, sha256, format, signature, metrics,
         training_run_id, parent_id, made_by, dataset_id, dataset_sha256)
      select ${id}, id, version, ${input.source}, ${file.fileName}, ${file.blobKey}, ${file.fileSize}, ${file.sha256},
        ${input.format ?? null}, ${jsonb(input.signature)}, ${jsonb(input.metrics)},
        (select r.id from runs r where r.id = ${input.trainingRunId ?? null}), (select p.id from model_versions p where p.id = ${input.parentId ?? null}), ${jsonb(input.madeBy)}, (select dataset_id from lineage), (select dataset_sha256 from lineage)
      from number
      on conflict do nothing`),
    db.execute(
      sql`delete from orphan_blobs where key in (select blob_key from model_versions where id = ${id})`,
    ),
    db.execute(sql`
      update model_uploads set state = 'done'
      where id = ${input.uploadId ?? null} and id in (select id from model_versions)`),
  ]);
  return findVersionById(db, null, id);
}

type VersionChange = Partial<Pick<ModelVersionRow, "description" | "labels" | "signature" | "metrics">>;

/** The caller has found the version, and so checked whose it is. */
export async function updateVersion(db: Db, id: string, change: VersionChange): Promise<void> {
  await db.update(modelVersions).set(change).where(eq(modelVersions.id, id));
}

/** Keeps what was found out about a file that nobody had looked at; a signature its owner gave stays. */
export async function keepRecognition(
  db: Db,
  id: string,
  { format, signature }: { format: string; signature: Signature | null },
): Promise<void> {
  await db
    .update(modelVersions)
    .set({ format, signature: sql`coalesce(${modelVersions.signature}, ${jsonb(signature)})` })
    .where(and(eq(modelVersions.id, id), isNull(modelVersions.format)));
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
