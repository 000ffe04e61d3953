import { bigint, index, integer, json, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { at, createdAt, id, updatedAt } from "./columns.ts";
import { users } from "./users.ts";

export type NotebookStatus = "draft" | "running" | "completed" | "failed" | "stopped";
export type CellType = "code" | "markdown" | "raw";
export type CellStatus = "idle" | "running" | "completed" | "error";
/** An object of nbformat's, as it came. `json`, not `jsonb`: that would reorder keys and refuse NUL. */
export type JsonObject = Record<string, unknown>;

export const notebooks = pgTable(
  "notebooks",
  {
    id: id(),
    ownerId: uuid("owner_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    name: text("name").notNull(),
    description: text("description"),
    kernel: text("kernel").$type<"javascript" | "python">().notNull(),
    status: text("status").$type<NotebookStatus>().notNull().default("draft"),
    /** What it belongs to; a hint for people and the assistant, whether or not it is still there. */
    modelId: uuid("model_id"),
    datasetId: uuid("dataset_id"),
    /** nbformat's notebook metadata. */
    metadata: json("metadata").$type<JsonObject>().notNull().default({}),
    /** Keys of an imported file that nbformat does not know. */
    extra: json("extra").$type<JsonObject>().notNull().default({}),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    index("notebooks_owner").on(t.ownerId, t.updatedAt, t.id),
    index("notebooks_updated").on(t.updatedAt, t.id),
  ],
);

export const notebookCells = pgTable(
  "notebook_cells",
  {
    notebookId: uuid("notebook_id")
      .notNull()
      .references(() => notebooks.id, { onDelete: "cascade" }),
    /** nbformat's cell id, which is unique within its notebook only. */
    id: text("id").notNull(),
    /** 0, 1, 2, … without gaps; whoever changes it locks the notebook's row first. */
    position: integer("position").notNull(),
    cellType: text("cell_type").$type<CellType>().notNull(),
    source: text("source").notNull(),
    /** In nbformat's own shape. */
    outputs: json("outputs").$type<JsonObject[]>().notNull().default([]),
    status: text("status").$type<CellStatus>().notNull().default("idle"),
    executionCount: integer("execution_count"),
    metadata: json("metadata").$type<JsonObject>().notNull().default({}),
    attachments: json("attachments").$type<JsonObject>(),
    extra: json("extra").$type<JsonObject>().notNull().default({}),
  },
  (t) => [
    primaryKey({ columns: [t.notebookId, t.id] }),
    index("notebook_cells_order").on(t.notebookId, t.position),
  ],
);

export const notebookCheckpoints = pgTable(
  "notebook_checkpoints",
  {
    id: id(),
    notebookId: uuid("notebook_id")
      .notNull()
      .references(() => notebooks.id, { onDelete: "cascade" }),
    epoch: integer("epoch").notNull(),
    step: bigint("step", { mode: "number" }).notNull(),
    metrics: json("metrics").$type<unknown>().notNull(),
    blobKey: text("blob_key").notNull(),
    fileSize: bigint("file_size", { mode: "number" }).notNull(),
    sha256: text("sha256").notNull(),
    optimizerBlobKey: text("optimizer_blob_key"),
    optimizerFileSize: bigint("optimizer_file_size", { mode: "number" }),
    optimizerSha256: text("optimizer_sha256"),
    createdAt: at("created_at").notNull().defaultNow(),
  },
  (t) => [index("notebook_checkpoints_order").on(t.notebookId, t.createdAt, t.id)],
);

export type NotebookRow = typeof notebooks.$inferSelect;
export type CellRow = typeof notebookCells.$inferSelect;
export type CheckpointRow = typeof notebookCheckpoints.$inferSelect;
