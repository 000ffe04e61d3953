import type { ModelUploadRow } from "../../db/schema.ts";
import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { takeIn } from "./intake.service.ts";
import { type ModelVersion, toModelVersion } from "./versions.schema.ts";
import { getVersionById } from "./versions.service.ts";

/**
 * Makes a verified upload the version of the same id, once, however often it is asked to; `undefined` when its model or
 * the upload is gone. The caller has found the upload for who is asking.
 */
export async function registerUpload(ctx: Ctx, upload: ModelUploadRow): Promise<ModelVersion | undefined> {
  allow(ctx, "models:write");
  const { id, modelId, metrics, trainingRunId } = upload;
  const row = await takeIn(ctx, {
    id,
    uploadId: id,
    modelId: modelId!,
    source: "upload",
    file: upload,
    metrics: metrics ?? undefined,
    trainingRunId: trainingRunId ?? undefined,
  });
  return row && toModelVersion(row);
}

/** The version an upload became. */
export const findUploadedVersion = async (ctx: Ctx, uploadId: string): Promise<ModelVersion> =>
  toModelVersion(await getVersionById(ctx, uploadId));
