import { sql } from "drizzle-orm";
import { bigint, index, integer, jsonb, pgTable, text, unique, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { createdAt, id, updatedAt } from "./columns.ts";
import { runs } from "./runs.ts";
import { users } from "./users.ts";

export const models = pgTable(
  "models",
  {
    id: id(),
    ownerId: uuid("owner_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    name: text("name").notNull(),
    description: text("description"),
    modelType: text("model_type").notNull(),
    /** Only ever grows, so a deleted version's number is not given out again. */
    nextVersion: integer("next_version").notNull().default(1),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique("models_owner_name").on(t.ownerId, t.name),
    index("models_owner").on(t.ownerId, t.createdAt, t.id),
  ],
);

export type VersionSource = "upload" | "run";

export const modelVersions = pgTable(
  "model_versions",
  {
    id: id(),
    modelId: uuid("model_id")
      .notNull()
      .references(() => models.id, { onDelete: "cascade" }),
    version: integer("version").notNull(),
    source: text("source").$type<VersionSource>().notNull(),
    fileName: text("file_name").notNull(),
    blobKey: text("blob_key").notNull(),
    fileSize: bigint("file_size", { mode: "number" }).notNull(),
    sha256: text("sha256").notNull(),
    metrics: jsonb("metrics").$type<Record<string, unknown>>(),
    trainingRunId: uuid("training_run_id").references(() => runs.id, { onDelete: "set null" }),
    createdAt: createdAt(),
  },
  (t) => [
    unique("model_versions_number").on(t.modelId, t.version),
    // A run registers what it trained once, however often its agent reports it.
    uniqueIndex("model_versions_run")
      .on(t.trainingRunId)
      .where(sql`source = 'run'`),
  ],
);

export type ModelRow = typeof models.$inferSelect;
export type ModelVersionRow = typeof modelVersions.$inferSelect;
