import type { ModelRow } from "../../db/schema.ts";
import { Timestamp, z } from "#http/contract";

const Name = z.string().trim().min(1).max(200);
const ModelType = z.string().trim().min(1).max(100).openapi({ description: "Free text, such as `mlp`." });
const Description = z.string().max(10_000);

export const Model = z
  .object({
    id: z.uuid(),
    user_id: z.uuid(),
    name: z.string(),
    description: z.string().optional(),
    model_type: z.string(),
    version_count: z.number().int(),
    latest_version: z.number().int().optional(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .openapi("Model");
export type Model = z.infer<typeof Model>;

export const CreateModel = z
  .object({ name: Name, model_type: ModelType, description: Description.optional() })
  .openapi("CreateModel");
export type CreateModel = z.infer<typeof CreateModel>;

export const UpdateModel = z
  .object({
    name: Name.optional(),
    model_type: ModelType.optional(),
    description: Description.nullable().optional().openapi({ description: "`null` clears it." }),
  })
  .openapi("UpdateModel");
export type UpdateModel = z.infer<typeof UpdateModel>;

export interface CountedModel extends ModelRow {
  versionCount: number;
  latestVersion: number | null;
}

export const toModel = (row: CountedModel): Model => ({
  id: row.id,
  user_id: row.ownerId,
  name: row.name,
  ...(row.description !== null && { description: row.description }),
  model_type: row.modelType,
  version_count: row.versionCount,
  ...(row.latestVersion !== null && { latest_version: row.latestVersion }),
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
});
