import type { RunArtifactRow } from "../../db/schema.ts";
import { Timestamp, z } from "#http/contract";
import { isWorkPath } from "../../kernel/work-path.ts";
import { WorkPath } from "./command.schema.ts";

export const Artifact = z
  .object({
    path: z.string(),
    file_size: z.number().int().openapi({ description: "Bytes." }),
    sha256: z.string(),
    created_at: Timestamp,
  })
  .openapi("RunArtifact");
export type Artifact = z.infer<typeof Artifact>;

export const ArtifactsQuery = z.object({
  prefix: z
    .string()
    .max(512)
    .refine((text) => !text.includes("\0") && text.isWellFormed(), "must be text")
    .optional()
    .openapi({ description: "Only paths that begin with it, such as `plots/`." }),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z
    .string()
    .max(512)
    .refine(isWorkPath, "is not one this list gave out")
    .optional()
    .openapi({ description: 'From the `Link: …; rel="next"` header of the last page.' }),
});
export type ArtifactsQuery = z.infer<typeof ArtifactsQuery>;

export const RegisterArtifact = z
  .object({
    path: WorkPath.openapi({ example: "model.onnx" }),
    model_name: z
      .string()
      .trim()
      .min(1)
      .max(200)
      .optional()
      .openapi({ description: "The model it becomes a version of; the run's own when absent." }),
  })
  .openapi("RegisterArtifact");
export type RegisterArtifact = z.infer<typeof RegisterArtifact>;

export const toArtifact = (row: RunArtifactRow): Artifact => ({
  path: row.path,
  file_size: row.fileSize,
  sha256: row.sha256,
  created_at: row.createdAt.toISOString(),
});
