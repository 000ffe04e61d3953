import {
  bigint,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uuid,
} from "drizzle-orm/pg-core";
import { at, createdAt, id, updatedAt } from "./columns.ts";
import { modelVersions } from "./models.ts";
import { users } from "./users.ts";

export type EndpointStatus = "stopped" | "starting" | "running" | "error";

export const endpoints = pgTable(
  "endpoints",
  {
    id: id(),
    ownerId: uuid("owner_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    modelVersionId: uuid("model_version_id")
      .notNull()
      .references(() => modelVersions.id, { onDelete: "no action" }),
    /** The name in `/api/inference/predict/:name`, unique over all owners. */
    name: text("name").notNull().unique(),
    status: text("status").$type<EndpointStatus>().notNull().default("stopped"),
    port: integer("port").notNull(),
    replicas: integer("replicas").notNull(),
    config: jsonb("config").$type<Record<string, unknown>>(),
    errorMessage: text("error_message"),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    index("endpoints_owner").on(t.ownerId, t.createdAt, t.id),
    index("endpoints_version").on(t.modelVersionId),
  ],
);

/** One row per endpoint and minute with traffic; counts are of that minute. */
export const endpointMetrics = pgTable(
  "endpoint_metrics",
  {
    endpointId: uuid("endpoint_id")
      .notNull()
      .references(() => endpoints.id, { onDelete: "cascade" }),
    minute: at("minute").notNull(),
    requestsSuccess: bigint("requests_success", { mode: "number" }).notNull(),
    requestsError: bigint("requests_error", { mode: "number" }).notNull(),
    latencyP50: doublePrecision("latency_p50_ms"),
    latencyP95: doublePrecision("latency_p95_ms"),
    latencyP99: doublePrecision("latency_p99_ms"),
  },
  (t) => [primaryKey({ columns: [t.endpointId, t.minute] })],
);

export type EndpointRow = typeof endpoints.$inferSelect;
export type EndpointMetricsRow = typeof endpointMetrics.$inferSelect;
