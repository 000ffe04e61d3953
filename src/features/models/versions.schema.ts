import type { ModelVersionRow } from "../../db/schema.ts";
import { Timestamp, z } from "#http/contract";

export const ModelVersion = z
  .object({
    id: z.uuid(),
    model_id: z.uuid(),
    version: z
      .number()
      .int()
      .openapi({ description: "From 1; a deleted version's number is not used again." }),
    file_name: z.string(),
    file_size: z.number().int().openapi({ description: "Bytes." }),
    sha256: z.string(),
    metrics: z.record(z.string(), z.unknown()).optional(),
    training_run_id: z.uuid().optional(),
    created_at: Timestamp,
  })
  .openapi("ModelVersion");
export type ModelVersion = z.infer<typeof ModelVersion>;

export const VersionParams = z.object({
  id: z.uuid(),
  version: z.coerce.number().int().min(1).max(2_147_483_647),
});

export const toModelVersion = (row: ModelVersionRow): ModelVersion => ({
  id: row.id,
  model_id: row.modelId,
  version: row.version,
  file_name: row.fileName,
  file_size: row.fileSize,
  sha256: row.sha256,
  ...(row.metrics && { metrics: row.metrics }),
  ...(row.trainingRunId && { training_run_id: row.trainingRunId }),
  created_at: row.createdAt.toISOString(),
});
