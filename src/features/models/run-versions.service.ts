import type { RunRow } from "../../db/schema.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { AppError } from "../../kernel/errors.ts";
import type { StoredFile } from "../files/index.ts";
import { refuseEmpty, takeIn } from "./intake.service.ts";
import { upsertModel } from "./models.repo.ts";
import { parseMetrics } from "./version-metrics.ts";
import * as repo from "./versions.repo.ts";
import { type ModelVersion, toModelVersion } from "./versions.schema.ts";

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
  refuseEmpty(file);
  const { id: modelId } = await upsertModel(ctx.db, run.ownerId, run.modelName, run.modelType);
  const input = {
    modelId,
    source: "run" as const,
    file,
    metrics: parseMetrics(metrics),
    trainingRunId: run.id,
  };
  const row = (await takeIn(ctx, input)) ?? (await repo.findVersionOfRun(ctx.db, run.id));
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
  refuseEmpty(file);
  const { id: modelId } = await upsertModel(ctx.db, run.ownerId, modelName, run.modelType);
  const input = { id, modelId, source: "upload" as const, file, trainingRunId: run.id };
  const row = (await takeIn(ctx, input)) ?? (await repo.findVersionById(ctx.db, run.ownerId, id));
  if (!row) throw new AppError("unavailable", "MODEL_CHANGED", "The model was deleted meanwhile; try again.");
  return toModelVersion(row);
}
