import type { ModelRow } from "../../db/schema.ts";
import { PageQuery, Timestamp, z } from "#http/contract";
import { Labels, TagQuery, Tags } from "./labels.schema.ts";

const Name = z.string().trim().min(1).max(200);
const ModelType = z.string().trim().min(1).max(100).openapi({ description: "Free text, such as `mlp`." });
const Description = z.string().max(10_000);

const MAX_CARD_BYTES = 200_000;
const Card = z
  .string()
  .max(MAX_CARD_BYTES)
  .refine(
    (text) => new TextEncoder().encode(text).length <= MAX_CARD_BYTES,
    `must be at most ${MAX_CARD_BYTES} bytes`,
  )
  .openapi({ description: `Markdown, ${MAX_CARD_BYTES} bytes at most.` });
const Visibility = z.enum(["private", "public"]).openapi({
  description: "Anybody may see a public model and fetch its versions (`/api/public/models`).",
});

export const Model = z
  .object({
    id: z.uuid(),
    user_id: z.uuid(),
    name: z.string(),
    description: z.string().optional(),
    model_type: z.string(),
    version_count: z.number().int(),
    latest_version: z.number().int().optional(),
    aliases: z
      .record(z.string(), z.number().int())
      .openapi({ description: "The numbers of the versions that have a name." }),
    tags: z.array(z.string()),
    labels: z.record(z.string(), z.string()),
    card: z.string().optional().openapi({ description: "Markdown; left out of lists." }),
    visibility: Visibility,
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .openapi("Model");
export type Model = z.infer<typeof Model>;

export const CreateModel = z
  .object({
    name: Name,
    model_type: ModelType,
    description: Description.optional(),
    card: Card.optional(),
    tags: Tags.optional(),
    labels: Labels.optional(),
    visibility: Visibility.optional(),
  })
  .openapi("CreateModel");
export type CreateModel = z.infer<typeof CreateModel>;

export const UpdateModel = z
  .object({
    name: Name.optional(),
    model_type: ModelType.optional(),
    description: Description.nullable().optional().openapi({ description: "`null` clears it." }),
    card: Card.nullable().optional().openapi({ description: "Markdown; `null` clears it." }),
    tags: Tags.optional(),
    labels: Labels.optional(),
    visibility: Visibility.optional(),
  })
  .openapi("UpdateModel");
export type UpdateModel = z.infer<typeof UpdateModel>;

export const ModelsQuery = PageQuery.extend({
  tag: TagQuery.optional(),
  search: z
    .string()
    .max(200)
    .optional()
    .openapi({ description: "Only models whose name contains it, capitals or not." }),
  visibility: Visibility.optional(),
});

export interface ModelFilter {
  tag?: string | undefined;
  search?: string | undefined;
  visibility?: "private" | "public" | undefined;
}

export interface CountedModel extends ModelRow {
  versionCount: number;
  latestVersion: number | null;
  aliases: Record<string, number>;
}

/** A list may have many models; their cards stay where they are. */
export type ListedModel = Omit<CountedModel, "card">;

export const toListedModel = (row: ListedModel): Model => ({
  id: row.id,
  user_id: row.ownerId,
  name: row.name,
  ...(row.description !== null && { description: row.description }),
  model_type: row.modelType,
  version_count: row.versionCount,
  ...(row.latestVersion !== null && { latest_version: row.latestVersion }),
  aliases: row.aliases,
  tags: row.tags,
  labels: row.labels,
  visibility: row.isPublic ? "public" : "private",
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
});

export const toModel = (row: CountedModel): Model => ({
  ...toListedModel(row),
  ...(row.card !== null && { card: row.card }),
});

/** What of the model's row an input is about; what it leaves out is left out here. */
export const toModelChange = ({ model_type: modelType, visibility, ...rest }: UpdateModel) => ({
  ...rest,
  ...(modelType !== undefined && { modelType }),
  ...(visibility !== undefined && { isPublic: visibility === "public" }),
});
