import { bigint, index, jsonb, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { at } from "./columns.ts";

/** What happened and who did it. Rows are chained by a keyed hash, and a trigger refuses to change or remove them. */
export const auditEvents = pgTable(
  "audit_events",
  {
    /** Without gaps: the place in the chain. */
    seq: bigint("seq", { mode: "number" }).primaryKey(),
    at: at("at").notNull(),
    /** `user`, `token`, `agent`, `anonymous` or `system`. */
    actorKind: text("actor_kind").notNull(),
    actorId: uuid("actor_id"),
    /** The e-mail address or name they had then. */
    actorName: text("actor_name"),
    action: text("action").notNull(),
    targetType: text("target_type"),
    targetId: text("target_id"),
    /** `ok`, `refused` or `failed`. */
    outcome: text("outcome").notNull(),
    ip: text("ip"),
    requestId: text("request_id"),
    details: jsonb("details").$type<Record<string, unknown>>().notNull(),
    prevHash: text("prev_hash").notNull(),
    /** HMAC-SHA-256 over the row and `prev_hash`, hex. */
    hash: text("hash").notNull(),
  },
  (t) => [
    index("audit_events_at").on(t.at),
    index("audit_events_actor_id").on(t.actorId),
    index("audit_events_action").on(t.action),
  ],
);

export type AuditEventRow = typeof auditEvents.$inferSelect;
