import type { ModelUploadRow, UploadState } from "../../db/schema.ts";
import { Timestamp, z } from "#http/contract";
import { safeFileName } from "#http/upload";
import { type ArrivedPart } from "../../kernel/ports/part-uploads.ts";
import { partCountOf, plannedParts } from "./part-plan.ts";

export const CreateUpload = z
  .object({
    file_name: z
      .string()
      .min(1)
      .max(1000)
      .overwrite((name) => safeFileName(name, "model.bin")),
    file_size: z.number().int().min(1).openapi({ description: "Bytes." }),
    sha256: z
      .string()
      .regex(/^[\dA-Fa-f]{64}$/)
      .toLowerCase()
      .openapi({ description: "Of the whole file, in hex; it is verified.", example: "0".repeat(64) }),
    metrics: z.record(z.string(), z.unknown()).optional(),
    training_run_id: z.uuid().toLowerCase().optional(),
  })
  .openapi("CreateModelUpload");
export type CreateUpload = z.infer<typeof CreateUpload>;

const UploadPart = z
  .object({
    number: z.number().int(),
    url: z.string().openapi({
      description:
        "Where to PUT the part: an address of the store's that needs no credential and is good for an hour, or a path of this API.",
    }),
    size: z.number().int().openapi({ description: "What it has to have, in bytes." }),
    etag: z.string().optional().openapi({ description: "Of what has arrived." }),
    arrived_size: z.number().int().optional(),
  })
  .openapi("ModelUploadPart");

export const Upload = z
  .object({
    upload_id: z.uuid(),
    model_id: z.uuid(),
    state: z.enum(["open", "stored", "done", "refused"]),
    file_name: z.string(),
    file_size: z.number().int(),
    sha256: z.string(),
    part_size: z.number().int().openapi({ description: "Of every part but the last." }),
    part_count: z.number().int(),
    parts: z.array(UploadPart).openapi({ description: "None once the file is whole." }),
    straight_to_storage: z
      .boolean()
      .openapi({ description: "Whether parts go to the store itself rather than through this API." }),
    expires_at: Timestamp,
  })
  .openapi("ModelUpload");
export type Upload = z.infer<typeof Upload>;

export const CompleteUpload = z
  .object({
    parts: z
      .array(z.object({ number: z.number().int().min(1).max(10_000), etag: z.string().max(200) }))
      .max(10_000)
      .optional()
      .openapi({ description: "What was sent, to be held against what has arrived." }),
  })
  .openapi("CompleteModelUpload");
export type CompleteUpload = z.infer<typeof CompleteUpload>;

const inPath = (name: string) => ({ param: { name, in: "path" as const } });

export const UploadParams = z.object({
  id: z.uuid().toLowerCase().openapi(inPath("id")),
  upload_id: z.uuid().toLowerCase().openapi(inPath("upload_id")),
});

export const PartParams = UploadParams.extend({
  number: z
    .string()
    .regex(/^[1-9]\d{0,4}$/)
    .openapi({ ...inPath("number"), description: "From 1.", example: "1" }),
});

export const ReceivedPart = z
  .object({ number: z.number().int(), etag: z.string(), size: z.number().int() })
  .openapi("ReceivedModelUploadPart");
export type ReceivedPart = z.infer<typeof ReceivedPart>;

interface Parts {
  urls: string[];
  arrived: ArrivedPart[];
}

/** `urls` are of all parts in their order, or none. */
export function toUpload(row: ModelUploadRow, { urls, arrived }: Parts): Upload {
  const known = new Map(arrived.map((part) => [part.number, part]));
  const parts = plannedParts(row).slice(0, urls.length);
  return {
    upload_id: row.id,
    model_id: row.modelId!,
    state: row.state satisfies UploadState,
    file_name: row.fileName,
    file_size: row.fileSize,
    sha256: row.sha256,
    part_size: row.partSize,
    part_count: partCountOf(row),
    parts: parts.map(({ number, size }) => {
      const there = known.get(number);
      const found = there && { etag: there.etag, arrived_size: there.size };
      return { number, url: urls[number - 1]!, size, ...found };
    }),
    straight_to_storage: row.isDirect,
    expires_at: row.expiresAt.toISOString(),
  };
}
