import { allow, scopeOf } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { isId } from "../../kernel/page.ts";
import type { Upload } from "../../kernel/upload.ts";
import { storeFile } from "../files/index.ts";
import { refusingInUse } from "./in-use.ts";
import * as errors from "./models.errors.ts";
import { findModel } from "./models.repo.ts";
import { getModel } from "./models.service.ts";
import { parseMetrics } from "./version-metrics.ts";
import * as repo from "./versions.repo.ts";
import { type ModelVersion, toModelVersion } from "./versions.schema.ts";

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
  if (!(await findModel(ctx.db, scopeOf(actor), modelId))) throw errors.modelNotFound();
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
  throw (await findModel(ctx.db, scopeOf(actor), modelId))
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
