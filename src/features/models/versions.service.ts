import { allow, scopeOf } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { isId } from "../../kernel/page.ts";
import type { Upload } from "../../kernel/upload.ts";
import { storeFile } from "../files/index.ts";
import { refusingInUse } from "./in-use.ts";
import { takeIn } from "./intake.service.ts";
import * as errors from "./models.errors.ts";
import { findModel } from "./models.repo.ts";
import { getModel } from "./models.service.ts";
import { recognizeStored } from "./recognition.service.ts";
import { parseMetrics } from "./version-metrics.ts";
import { parseVersionRef } from "./version-ref.ts";
import * as repo from "./versions.repo.ts";
import { type ModelVersion, toModelVersion, type UpdateVersion } from "./versions.schema.ts";

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

/** Refuses what is not a run of the caller's. */
export async function requireOwnRun(ctx: Ctx, runId: string): Promise<void> {
  const actor = allow(ctx, "models:write");
  if (!isId(runId) || !(await repo.ownsRun(ctx.db, scopeOf(actor), runId))) throw errors.runUnknown();
}

/** Streams a file in and gives it the next number; nothing of a failed upload becomes visible. */
export async function uploadVersion(ctx: Ctx, modelId: string, upload: Upload): Promise<ModelVersion> {
  const actor = allow(ctx, "models:write");
  if (!(await findModel(ctx.db, scopeOf(actor), modelId))) throw errors.modelNotFound();
  const { stored, fields } = await upload.receive((file) => storeFile(ctx, `models/${modelId}`, file));
  const metrics = parseMetrics(fields.get("metrics"));
  const trainingRunId = fields.get("training_run_id");
  if (trainingRunId !== undefined) await requireOwnRun(ctx, trainingRunId);
  const input = { modelId, source: "upload" as const, file: stored, metrics, trainingRunId };
  const row = await takeIn(ctx, input);
  if (!row) throw errors.modelNotFound();
  return toModelVersion(row);
}

/** A version, after a look at its file where nobody has taken one. */
export async function getVersion(ctx: Ctx, modelId: string, ref: string): Promise<ModelVersion> {
  const row = await getVersionForServing(ctx, modelId, ref);
  if (row.format !== null) return toModelVersion(row);
  const { format, signature } = await recognizeStored(ctx, row);
  if (format === null) return toModelVersion(row);
  await repo.keepRecognition(ctx.db, row.id, { format, signature });
  return toModelVersion({ ...row, format, signature: row.signature ?? signature });
}

/** The caller's version of a model by its number, its id or `@alias`, if there is one. */
export async function findVersionByRef(
  ctx: Ctx,
  modelId: string,
  ref: string | number,
): Promise<repo.OwnedVersion | undefined> {
  const actor = allow(ctx, "models:read");
  const parsed = parseVersionRef(String(ref));
  return parsed && repo.findVersion(ctx.db, scopeOf(actor), modelId, parsed);
}

/** The caller's version with what serving it takes. */
export async function getVersionForServing(
  ctx: Ctx,
  modelId: string,
  ref: string | number,
): Promise<repo.OwnedVersion> {
  const row = await findVersionByRef(ctx, modelId, ref);
  if (row) return row;
  const scope = scopeOf(allow(ctx, "models:read"));
  throw (await findModel(ctx.db, scope, modelId)) ? errors.versionNotFound() : errors.modelNotFound();
}

/** Like `getVersionForServing`, by the version's own id. */
export async function getVersionById(ctx: Ctx, versionId: string): Promise<repo.OwnedVersion> {
  const actor = allow(ctx, "models:read");
  const row = await repo.findVersionById(ctx.db, scopeOf(actor), versionId);
  if (!row) throw errors.versionNotFound();
  return row;
}

/** Changes what is said of a version; its file never changes. */
export async function updateVersion(
  ctx: Ctx,
  modelId: string,
  ref: string,
  input: UpdateVersion,
): Promise<ModelVersion> {
  allow(ctx, "models:write");
  const { id } = await getVersionForServing(ctx, modelId, ref);
  const { labels, ...rest } = input;
  const change = { ...rest, ...(labels !== undefined && { labels: labels ?? {} }) };
  if (Object.keys(change).length > 0) await repo.updateVersion(ctx.db, id, change);
  return getVersion(ctx, modelId, id);
}

export async function deleteVersion(ctx: Ctx, modelId: string, ref: string): Promise<void> {
  allow(ctx, "models:write");
  const row = await getVersionForServing(ctx, modelId, ref);
  await refusingInUse(repo.deleteVersion(ctx.db, row, ctx.now));
}
