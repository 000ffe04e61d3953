import type { DatasetRow } from "../../db/schema.ts";
import { Timestamp, z } from "#http/contract";
import type { BuiltinDataset } from "./catalog/catalog.data.ts";

export const DATASET_TYPES = ["image", "tabular", "text", "audio", "custom"] as const;

export const Dataset = z
  .object({
    id: z.uuid(),
    user_id: z.uuid(),
    name: z.string(),
    description: z.string().nullable(),
    dataset_type: z.enum(DATASET_TYPES),
    file_name: z.string(),
    file_size: z.number().int().openapi({ description: "Bytes." }),
    sha256: z.string(),
    num_samples: z.number().int().nullable(),
    num_features: z
      .number()
      .int()
      .nullable()
      .openapi({ description: "Columns; without the target where it is known." }),
    num_classes: z.number().int().nullable(),
    target_column: z.string().nullable(),
    builtin_id: z.string().nullable(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .openapi("Dataset");
export type Dataset = z.infer<typeof Dataset>;

/** The text fields of an upload form. */
export const DatasetForm = z.object({
  name: z.string().trim().min(1).max(200),
  description: z.string().max(10_000).optional(),
  dataset_type: z.enum(DATASET_TYPES).default("tabular"),
  target_column: z.string().min(1).max(500).optional(),
});
export type DatasetForm = z.infer<typeof DatasetForm>;

export const Builtin = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string(),
    num_samples: z.number().int(),
    num_features: z.number().int(),
    num_classes: z.number().int(),
    size_mb: z
      .number()
      .nullable()
      .openapi({ description: "Of the shipped file; null when it does not ship." }),
    data_type: z.enum(["tabular", "image", "text", "audio"]),
    task_type: z.enum(["classification", "regression"]),
    source: z.literal("builtin"),
    target: z.string(),
    license: z.string(),
    citation: z.string(),
    source_url: z.string(),
    available: z.boolean().openapi({ description: "Whether `prepare` works: the data ships with Myelin." }),
    download_url: z.null(),
    loading_code: z.string(),
  })
  .openapi("BuiltinDataset");
export type Builtin = z.infer<typeof Builtin>;

export const BuiltinHit = z
  .object({
    id: z.string(),
    name: z.string(),
    source: z.literal("builtin"),
    size: z.string().nullable(),
    download_count: z.null().openapi({ description: "Not counted." }),
    description: z.string(),
  })
  .openapi("BuiltinDatasetHit");

export const toDataset = (row: DatasetRow): Dataset => ({
  id: row.id,
  user_id: row.ownerId,
  name: row.name,
  description: row.description,
  dataset_type: row.datasetType,
  file_name: row.fileName,
  file_size: row.fileSize,
  sha256: row.sha256,
  num_samples: row.numSamples,
  num_features: row.numFeatures,
  num_classes: row.numClasses,
  target_column: row.targetColumn,
  builtin_id: row.builtinId,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
});

export function toBuiltin(entry: BuiltinDataset, sizeBytes: number | null): Builtin {
  const { file, ...facts } = entry;
  return {
    ...facts,
    size_mb: sizeBytes === null ? null : sizeBytes / 1_000_000,
    source: "builtin",
    available: file !== null,
    download_url: null,
    loading_code: `curl -X POST -H "authorization: Bearer $TOKEN" "$MYELIN_URL/api/builtin-datasets/${entry.id}/prepare"`,
  };
}
