import type { RunRow } from "../../db/schema.ts";
import { allow, scopeOf } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { AppError } from "../../kernel/errors.ts";
import { isNestedDeeper, MAX_NESTING } from "../../kernel/nesting.ts";
import { isId, type Page, type Paged, paged } from "../../kernel/page.ts";
import type { Upload } from "../../kernel/upload.ts";
import { isForeignKeyViolation, isUniqueViolation } from "../../kernel/postgres-error.ts";
import { type StoredFile, storeFile } from "../files/index.ts";
import * as errors from "./models.errors.ts";
import * as repo from "./models.repo.ts";
import {
  type CreateModel,
  type Model,
  type ModelVersion,
  toModel,
  toModelVersion,
  type UpdateModel,
} from "./models.schema.ts";

export async function listModels(ctx: Ctx, page: Page): Promise<Paged<Model>> {
  const actor = allow(ctx, "models:read");
  const { items, next } = paged(await repo.listModels(ctx.db, scopeOf(actor), page), page.limit);
  return { items: items.map(toModel), ...(next && { next }) };
}

export async function createModel(ctx: Ctx, input: CreateModel): Promise<Model> {
  const actor = allow(ctx, "models:write");
  const { name, model_type: modelType, description } = input;
  const row = await repo.insertModel(ctx.db, { ownerId: actor.id, name, modelType, description });
  if (!row) throw errors.modelNameTaken(name);
  return toModel({ ...row, versionCount: 0, latestVersion: null });
}

export async function getModel(ctx: Ctx, id: string): Promise<Model> {
  const actor = allow(ctx, "models:read");
  const row = await repo.findModel(ctx.db, scopeOf(actor), id);
  if (!row) throw errors.modelNotFound();
  return toModel(row);
}

export async function updateModel(ctx: Ctx, id: string, input: UpdateModel): Promise<Model> {
  const actor = allow(ctx, "models:write");
  const { name, description, model_type: modelType } = input;
  const change = {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(modelType !== undefined && { modelType }),
  };
  try {
    if (!(await repo.updateModel(ctx.db, scopeOf(actor), id, change, ctx.now))) throw errors.modelNotFound();
  } catch (error) {
    if (isUniqueViolation(error)) throw errors.modelNameTaken(name ?? "");
    throw error;
  }
  return getModel(ctx, id);
}

export async function deleteModel(ctx: Ctx, id: string): Promise<void> {
  const actor = allow(ctx, "models:write");
  const deleted = await refusingInUse(repo.deleteModel(ctx.db, scopeOf(actor), id, ctx.now));
  if (!deleted) throw errors.modelNotFound();
}

/** An endpoint refers to the versions it serves; Postgres refuses to pull one from under it. */
async function refusingInUse<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isForeignKeyViolation(error)) throw errors.versionInUse();
    throw error;
  }
}

export async function listVersions(
  ctx: Ctx,
  modelId: string,
  limit: number,
  below?: number,
): Promise<{ items: ModelVersion[]; next?: string }> {
  await getModel(ctx, modelId);
  const rows = await repo.listVersions(ctx.db, modelId, limit + 1, below);
  const items = rows.slice(0, limit).map(toModelVersion);
  return { items, ...(rows.length > limit && { next: String(items[items.length - 1]!.version) }) };
}

/** Streams a file in and gives it the next number; nothing of a failed upload becomes visible. */
export async function uploadVersion(ctx: Ctx, modelId: string, upload: Upload): Promise<ModelVersion> {
  const actor = allow(ctx, "models:write");
  if (!(await repo.findModel(ctx.db, scopeOf(actor), modelId))) throw errors.modelNotFound();
  const { stored, fields } = await upload.receive((file) => storeFile(ctx, `models/${modelId}`, file));
  const metrics = parseMetrics(fields.get("metrics"));
  const trainingRunId = fields.get("training_run_id");
  if (
    trainingRunId !== undefined &&
    !(isId(trainingRunId) && (await repo.ownsRun(ctx.db, scopeOf(actor), trainingRunId)))
  ) {
    throw errors.runUnknown();
  }
  return addVersion(ctx, { modelId, source: "upload", file: stored, metrics, trainingRunId });
}

async function addVersion(ctx: Ctx, input: repo.NewVersion): Promise<ModelVersion> {
  if (input.file.fileSize === 0) throw errors.emptyFile();
  const row = await repo.insertVersion(ctx.db, input);
  if (!row) throw errors.modelNotFound();
  ctx.log("info", "models.version_added", { model_id: input.modelId, version: row.version });
  return toModelVersion(row);
}

function parseMetrics(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (
      typeof value === "object" &&
      value !== null &&
      !Array.isArray(value) &&
      !isNestedDeeper(value, MAX_NESTING)
    )
      return value as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw errors.metricsNotJson();
}

/**
 * Registers what a run trained as a version of the model named after it. The caller (the run's agent) has been
 * checked by the runs feature; a second call for the same run returns the first one's version.
 */
export async function registerRunModel(
  ctx: Ctx,
  run: RunRow,
  file: StoredFile,
  metrics?: string,
): Promise<ModelVersion> {
  if (file.fileSize === 0) throw errors.emptyFile();
  const { id: modelId } = await repo.upsertModel(ctx.db, run.ownerId, run.modelName, run.modelType);
  const input = {
    modelId,
    source: "run" as const,
    file,
    metrics: parseMetrics(metrics),
    trainingRunId: run.id,
  };
  const row = (await repo.insertVersion(ctx.db, input)) ?? (await repo.findVersionOfRun(ctx.db, run.id));
  if (!row) throw new AppError("unavailable", "MODEL_CHANGED", "The model was deleted meanwhile; try again.");
  return toModelVersion(row);
}

/** The version a run produced, if it did. */
export async function findRunVersion(ctx: Ctx, runId: string): Promise<ModelVersion | undefined> {
  const row = await repo.findVersionOfRun(ctx.db, runId);
  return row && toModelVersion(row);
}

/** A version by the owner it must have; for work done on the owner's behalf. */
export const findVersionOf = (
  ctx: Ctx,
  ownerId: string,
  versionId: string,
): Promise<repo.OwnedVersion | undefined> => repo.findVersionById(ctx.db, ownerId, versionId);

/**
 * Registers a file that a run left behind as a version of the model named `modelName`, under an id of the caller's, so
 * that doing it again, at once too, gives the same version. The caller has checked that the run is `run.ownerId`'s.
 */
export async function registerRunFile(
  ctx: Ctx,
  run: RunRow,
  { id, modelName, file }: { id: string; modelName: string; file: StoredFile },
): Promise<ModelVersion> {
  if (file.fileSize === 0) throw errors.emptyFile();
  const { id: modelId } = await repo.upsertModel(ctx.db, run.ownerId, modelName, run.modelType);
  const input = { id, modelId, source: "upload" as const, file, trainingRunId: run.id };
  const row =
    (await repo.insertVersion(ctx.db, input)) ?? (await repo.findVersionById(ctx.db, run.ownerId, id));
  if (!row) throw new AppError("unavailable", "MODEL_CHANGED", "The model was deleted meanwhile; try again.");
  return toModelVersion(row);
}

export async function getVersion(ctx: Ctx, modelId: string, version: number): Promise<ModelVersion> {
  return toModelVersion(await getVersionForServing(ctx, modelId, version));
}

/** The caller's version with what serving it takes. */
export async function getVersionForServing(
  ctx: Ctx,
  modelId: string,
  version: number,
): Promise<repo.OwnedVersion> {
  const actor = allow(ctx, "models:read");
  const row = await repo.findVersion(ctx.db, scopeOf(actor), modelId, version);
  if (row) return row;
  throw (await repo.findModel(ctx.db, scopeOf(actor), modelId))
    ? errors.versionNotFound()
    : errors.modelNotFound();
}

/** Like `getVersionForServing`, by the version's own id. */
export async function getVersionById(ctx: Ctx, versionId: string): Promise<repo.OwnedVersion> {
  const actor = allow(ctx, "models:read");
  const row = await repo.findVersionById(ctx.db, scopeOf(actor), versionId);
  if (!row) throw errors.versionNotFound();
  return row;
}

export async function deleteVersion(ctx: Ctx, modelId: string, version: number): Promise<void> {
  allow(ctx, "models:write");
  const row = await getVersionForServing(ctx, modelId, version);
  await refusingInUse(repo.deleteVersion(ctx.db, row, ctx.now));
}
