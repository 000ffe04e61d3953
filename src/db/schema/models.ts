import { sql } from "drizzle-orm";
import {
  type AnyPgColumn,
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { createdAt, id, updatedAt } from "./columns.ts";
import { datasets } from "./datasets.ts";
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
    /** The model card, in Markdown. */
    card: text("card"),
    tags: jsonb("tags").$type<string[]>().notNull().default([]),
    labels: jsonb("labels").$type<Record<string, string>>().notNull().default({}),
    /** Whether anybody may see it and fetch its versions. */
    isPublic: boolean("is_public").notNull().default(false),
    /** Only ever grows, so a deleted version's number is not given out again. */
    nextVersion: integer("next_version").notNull().default(1),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique("models_owner_name").on(t.ownerId, t.name),
    index("models_owner").on(t.ownerId, t.createdAt, t.id),
    index("models_public")
      .on(t.createdAt, t.id)
      .where(sql`is_public`),
  ],
);

export type VersionSource = "upload" | "run" | "tool";

/** One input or output; a size that is not fixed is a name, or unknown. */
export interface SignatureValue {
  name: string;
  dtype: string;
  shape: (number | string | null)[] | null;
}

export interface Signature {
  inputs: SignatureValue[];
  outputs: SignatureValue[];
}

/** What takes part in a version's making, besides its run. */
export interface MadeBy {
  tool: string;
  target: string;
}

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
    /** By content; null where nobody has looked yet. */
    format: text("format"),
    description: text("description"),
    labels: jsonb("labels").$type<Record<string, string>>().notNull().default({}),
    /** What it takes and gives, where its file says so or its owner did. */
    signature: jsonb("signature").$type<Signature>(),
    metrics: jsonb("metrics").$type<Record<string, unknown>>(),
    /** What it was made of, and by which tool. */
    parentId: uuid("parent_id").references((): AnyPgColumn => modelVersions.id, { onDelete: "set null" }),
    madeBy: jsonb("made_by").$type<MadeBy>(),
    datasetId: uuid("dataset_id").references(() => datasets.id, { onDelete: "set null" }),
    /** Of the dataset's file at the time, which outlives the dataset. */
    datasetSha256: text("dataset_sha256"),
    trainingRunId: uuid("training_run_id").references(() => runs.id, { onDelete: "set null" }),
    createdAt: createdAt(),
  },
  (t) => [
    unique("model_versions_number").on(t.modelId, t.version),
    index("model_versions_parent").on(t.parentId),
    index("model_versions_dataset").on(t.datasetId),
    // A run registers what it trained once, however often its agent reports it.
    uniqueIndex("model_versions_run")
      .on(t.trainingRunId)
      .where(sql`source = 'run'`),
  ],
);

/** Names for versions that move on: `champion`, `staging`. */
export const modelAliases = pgTable(
  "model_aliases",
  {
    modelId: uuid("model_id")
      .notNull()
      .references(() => models.id, { onDelete: "cascade" }),
    alias: text("alias").notNull(),
    versionId: uuid("version_id")
      .notNull()
      .references(() => modelVersions.id, { onDelete: "cascade" }),
    updatedAt: updatedAt(),
  },
  (t) => [primaryKey({ columns: [t.modelId, t.alias] }), index("model_aliases_version").on(t.versionId)],
);

export type ModelRow = typeof models.$inferSelect;
export type ModelVersionRow = typeof modelVersions.$inferSelect;
