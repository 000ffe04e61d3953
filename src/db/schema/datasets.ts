import { bigint, index, integer, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { createdAt, id, updatedAt } from "./columns.ts";
import { users } from "./users.ts";

export type DatasetType = "image" | "tabular" | "text" | "audio" | "custom";

export const datasets = pgTable(
  "datasets",
  {
    id: id(),
    ownerId: uuid("owner_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    name: text("name").notNull(),
    description: text("description"),
    datasetType: text("dataset_type").$type<DatasetType>().notNull(),
    fileName: text("file_name").notNull(),
    blobKey: text("blob_key").notNull(),
    fileSize: bigint("file_size", { mode: "number" }).notNull(),
    sha256: text("sha256").notNull(),
    numSamples: bigint("num_samples", { mode: "number" }),
    numFeatures: integer("num_features"),
    numClasses: integer("num_classes"),
    targetColumn: text("target_column"),
    /** Id of the catalogue entry it was copied from. */
    builtinId: text("builtin_id"),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [index("datasets_owner").on(t.ownerId, t.createdAt, t.id)],
);

export type DatasetRow = typeof datasets.$inferSelect;
