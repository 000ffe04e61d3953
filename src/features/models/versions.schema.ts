import type { ModelVersionRow } from "../../db/schema.ts";
import { MODEL_FORMATS, type ModelFormat } from "../../kernel/formats/model-file.ts";
import { PageQuery, Timestamp, z } from "#http/contract";
import { Labels } from "./labels.schema.ts";
import { Signature } from "./signature.schema.ts";
import { parseVersionRef, VERSION_REF } from "./version-ref.ts";

const VersionNumber = z.number().int().min(1).max(2_147_483_647);

export const ModelVersion = z
  .object({
    id: z.uuid(),
    model_id: z.uuid(),
    version: z
      .number()
      .int()
      .openapi({ description: "From 1; a deleted version's number is not used again." }),
    aliases: z.array(z.string()),
    description: z.string().optional(),
    labels: z.record(z.string(), z.string()),
    source: z.enum(["upload", "run", "tool"]),
    file_name: z.string(),
    file_size: z.number().int().openapi({ description: "Bytes." }),
    sha256: z.string(),
    format: z.enum(MODEL_FORMATS).nullable().openapi({
      description:
        "By the file's content, whatever it is called; `null` where nobody has looked yet, which getting the version does.",
    }),
    signature: Signature.optional(),
    metrics: z.record(z.string(), z.unknown()).optional(),
    parent_version_id: z.uuid().optional().openapi({ description: "The version it was made of." }),
    made_by: z.object({ tool: z.string(), target: z.string() }).optional(),
    training_run_id: z.uuid().optional(),
    dataset_id: z.uuid().optional().openapi({ description: "What its run was trained on." }),
    dataset_sha256: z
      .string()
      .optional()
      .openapi({ description: "Of the dataset's file; stays when the dataset goes." }),
    created_at: Timestamp,
  })
  .openapi("ModelVersion");
export type ModelVersion = z.infer<typeof ModelVersion>;

export const DownloadUrl = z
  .object({
    url: z.string().openapi({ description: "A path is one of this API's." }),
    expires_at: Timestamp.nullable().openapi({ description: "`null` where it does not." }),
    straight_to_storage: z.boolean(),
  })
  .openapi("DownloadUrl");

export const UpdateVersion = z
  .object({
    description: z.string().max(10_000).nullable().optional(),
    labels: Labels.nullable().optional(),
    signature: Signature.nullable().optional(),
    metrics: z.record(z.string(), z.unknown()).nullable().optional(),
  })
  .openapi("UpdateModelVersion", { description: "What is left out stays; `null` clears." });
export type UpdateVersion = z.infer<typeof UpdateVersion>;

/** `version` as the routes take it: to be read with `parseVersionRef`. */
export const VersionParams = z.object({
  id: z
    .uuid()
    .toLowerCase()
    .openapi({ param: { name: "id", in: "path" } }),
  version: z
    .string()
    .regex(VERSION_REF)
    .refine((text) => parseVersionRef(text) !== undefined)
    .openapi({
      param: { name: "version", in: "path" },
      description: "A number, a version's id, or `@` and an alias.",
      example: "1",
    }),
});

export const VersionsQuery = z.object({
  limit: PageQuery.shape.limit,
  cursor: z.coerce.number().pipe(VersionNumber).optional(),
});

/** A version's row with the names that lead to it. */
export interface NamedVersion extends ModelVersionRow {
  aliases: string[];
}

export const toModelVersion = (row: NamedVersion): ModelVersion => ({
  id: row.id,
  model_id: row.modelId,
  version: row.version,
  aliases: row.aliases,
  ...(row.description !== null && { description: row.description }),
  labels: row.labels,
  source: row.source,
  file_name: row.fileName,
  file_size: row.fileSize,
  sha256: row.sha256,
  format: row.format as ModelFormat | null,
  ...(row.signature && { signature: row.signature }),
  ...(row.metrics && { metrics: row.metrics }),
  ...(row.parentId && { parent_version_id: row.parentId }),
  ...(row.madeBy && { made_by: row.madeBy }),
  ...(row.trainingRunId && { training_run_id: row.trainingRunId }),
  ...(row.datasetId && { dataset_id: row.datasetId }),
  ...(row.datasetSha256 && { dataset_sha256: row.datasetSha256 }),
  created_at: row.createdAt.toISOString(),
});
