import { bigint, index, integer, jsonb, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { agents } from "./agents.ts";
import { at, bytes, createdAt, id, updatedAt } from "./columns.ts";
import { datasets } from "./datasets.ts";
import { users } from "./users.ts";

export type RunStatus = "pending" | "running" | "completed" | "failed" | "stopped";
export type ChunkKind = "metrics" | "logs";

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
    updatedAt: updatedAt(),
    startedAt: at("started_at"),
    completedAt: at("completed_at"),
  },
  (t) => [
    index("runs_owner").on(t.ownerId, t.createdAt, t.id),
    index("runs_status").on(t.status, t.createdAt),
    index("runs_agent").on(t.agentId, t.status),
    index("runs_dataset").on(t.datasetId),
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

export type RunRow = typeof runs.$inferSelect;
