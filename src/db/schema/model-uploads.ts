import { bigint, boolean, index, integer, jsonb, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { at, createdAt, id } from "./columns.ts";
import { models } from "./models.ts";
import { users } from "./users.ts";

/**
 * `open`: parts may come. `stored`: the store has put them together, the digest is not known yet. `done`: a version with
 * the upload's own id was made of it. `refused`: the file is not what was announced.
 */
export type UploadState = "open" | "stored" | "done" | "refused";

export const modelUploads = pgTable(
  "model_uploads",
  {
    id: id(),
    // What is left in the store has to be found when these are gone.
    ownerId: uuid("owner_id").references(() => users.id, { onDelete: "set null" }),
    modelId: uuid("model_id").references(() => models.id, { onDelete: "set null" }),
    state: text("state").$type<UploadState>().notNull().default("open"),
    blobKey: text("blob_key").notNull(),
    /** The store's own name for the upload. */
    storageId: text("storage_id").notNull(),
    /** Whether the parts go straight to the store. */
    isDirect: boolean("is_direct").notNull(),
    fileName: text("file_name").notNull(),
    fileSize: bigint("file_size", { mode: "number" }).notNull(),
    partSize: bigint("part_size", { mode: "number" }).notNull(),
    sha256: text("sha256").notNull(),
    metrics: jsonb("metrics").$type<Record<string, unknown>>(),
    trainingRunId: uuid("training_run_id"),
    expiresAt: at("expires_at").notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    index("model_uploads_owner").on(t.ownerId),
    index("model_uploads_model").on(t.modelId),
    index("model_uploads_expires_at").on(t.expiresAt),
  ],
);

/** What has arrived through the Worker, where the store does not tell. */
export const modelUploadParts = pgTable(
  "model_upload_parts",
  {
    uploadId: uuid("upload_id")
      .notNull()
      .references(() => modelUploads.id, { onDelete: "cascade" }),
    number: integer("number").notNull(),
    etag: text("etag").notNull(),
    size: bigint("size", { mode: "number" }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.uploadId, t.number] })],
);

export type ModelUploadRow = typeof modelUploads.$inferSelect;
