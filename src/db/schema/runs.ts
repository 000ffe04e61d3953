import { sql } from "drizzle-orm";
import { bigint, index, integer, jsonb, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { agents } from "./agents.ts";
import { at, bytes, createdAt, id, updatedAt } from "./columns.ts";
import { datasets } from "./datasets.ts";
import { users } from "./users.ts";

export type RunStatus = "pending" | "running" | "completed" | "failed" | "stopped";
export type ChunkKind = "metrics" | "logs";
export type RunKind = "builtin:tabular" | "command";

/** A file put into a job's working folder, under `as`: a dataset's or a model version's. */
export interface CommandFile {
  dataset_id?: string;
  model_version_id?: string;
  as: string;
}

/** What a job of the kind `command` is to run: an argument list, or a script and what reads it. */
export interface Command {
  argv?: string[];
  script?: string;
  interpreter?: string;
  files: CommandFile[];
  env: Record<string, string>;
}

export const runs = pgTable(
  "runs",
  {
    id: id(),
    ownerId: uuid("owner_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    name: text("name").notNull(),
    modelType: text("model_type").notNull(),
    status: text("status").$type<RunStatus>().notNull().default("pending"),
    /** `agent`: queued for a machine that dials in; `external`: the owner's own program trains and reports. */
    executor: text("executor").$type<"agent" | "external">().notNull(),
    kind: text("kind").$type<RunKind>().notNull().default("builtin:tabular"),
    command: jsonb("command").$type<Command>(),
    /** What an agent must be labelled with to take it; sorted, so that equal sets are equal. */
    labels: jsonb("labels").$type<string[]>().notNull().default([]),
    /** Higher goes first. */
    priority: integer("priority").notNull().default(0),
    maxRetries: integer("max_retries").notNull().default(0),
    /** From 1; the one under way, or the next one while the run waits. */
    attempt: integer("attempt").notNull().default(1),
    /** Not to be tried again before then. */
    notBefore: at("not_before"),
    /** How long one attempt may take. */
    timeoutSeconds: integer("timeout_seconds"),
    /** SHA-256 hex of the token its process writes with; none while no process has one. */
    tokenHash: text("token_hash").unique(),
    /** The artifact that becomes a model version when the run succeeds. */
    registerPath: text("register_path"),
    /** The model the result is registered under. */
    modelName: text("model_name").notNull(),
    config: jsonb("config").$type<Record<string, unknown>>().notNull(),
    datasetId: uuid("dataset_id").references(() => datasets.id, { onDelete: "set null" }),
    /** The version training starts from, if any; not the one it produces. */
    modelVersionId: uuid("model_version_id"),
    latestMetrics: jsonb("latest_metrics").$type<Record<string, unknown>>(),
    result: jsonb("result").$type<Record<string, unknown>>(),
    errorMessage: text("error_message"),
    agentId: uuid("agent_id").references(() => agents.id, { onDelete: "set null" }),
    /** Until when the agent's word that it is alive counts. */
    leaseExpiresAt: at("lease_expires_at"),
    createdAt: createdAt(),
    /** Since when it waits, or whose place it has taken: see `claimRun`. */
    queuedAt: at("queued_at").notNull().defaultNow(),
    updatedAt: updatedAt(),
    startedAt: at("started_at"),
    completedAt: at("completed_at"),
  },
  (t) => [
    index("runs_owner").on(t.ownerId, t.createdAt, t.id),
    index("runs_status").on(t.status, t.createdAt),
    index("runs_agent").on(t.agentId, t.status),
    index("runs_dataset").on(t.datasetId),
    index("runs_queue")
      .on(t.priority.desc(), t.queuedAt, t.id)
      .where(sql`status = 'pending'`),
  ],
);

/** The archive of a run's feed: each row holds consecutive points or log lines in the codec of `runs/`. */
export const runChunks = pgTable(
  "run_chunks",
  {
    runId: uuid("run_id")
      .notNull()
      .references(() => runs.id, { onDelete: "cascade" }),
    kind: text("kind").$type<ChunkKind>().notNull(),
    firstSeq: bigint("first_seq", { mode: "number" }).notNull(),
    lastSeq: bigint("last_seq", { mode: "number" }).notNull(),
    count: integer("count").notNull(),
    minStep: bigint("min_step", { mode: "number" }).notNull(),
    maxStep: bigint("max_step", { mode: "number" }).notNull(),
    data: bytes("data").notNull(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.kind, t.firstSeq] })],
);

/** Files a run left behind, by their path in its output folder. */
export const runArtifacts = pgTable(
  "run_artifacts",
  {
    runId: uuid("run_id")
      .notNull()
      .references(() => runs.id, { onDelete: "cascade" }),
    path: text("path").notNull(),
    blobKey: text("blob_key").notNull(),
    fileSize: bigint("file_size", { mode: "number" }).notNull(),
    sha256: text("sha256").notNull(),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.path] })],
);

export type RunArtifactRow = typeof runArtifacts.$inferSelect;
export type RunRow = typeof runs.$inferSelect;
