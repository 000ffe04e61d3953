import { boolean, index, integer, jsonb, pgTable, text, unique, uuid } from "drizzle-orm/pg-core";
import { at, createdAt, id, updatedAt } from "./columns.ts";
import { users } from "./users.ts";

/** A program on some machine that dials in and does the work no serverless function can. */
export const agents = pgTable(
  "agents",
  {
    id: id(),
    ownerId: uuid("owner_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    name: text("name").notNull(),
    /** SHA-256 hex of its `ic_…` token; none once that was revoked. */
    tokenHash: text("token_hash").unique(),
    tokenIssuedAt: at("token_issued_at"),
    /** Takes everybody's work, not only its owner's. */
    shared: boolean("shared").notNull().default(false),
    /** Its terminals are recorded, whatever the deployment's policy. */
    recordTerminals: boolean("record_terminals").notNull().default(false),
    capabilities: jsonb("capabilities").$type<string[]>().notNull().default([]),
    /** What runs may ask for by name, as the agent said it when it last called. */
    labels: jsonb("labels").$type<string[]>().notNull().default([]),
    /** How many runs it takes at once; unknown of one that never said. */
    concurrency: integer("concurrency"),
    version: text("version"),
    /** As its link saw it last; see `agents/presence.ts`. */
    state: text("state").$type<AgentState>().notNull().default("stopped"),
    stateSince: at("state_since"),
    stateReason: text("state_reason"),
    /** The machine, as the agent described it. */
    host: jsonb("host").$type<Record<string, unknown>>(),
    lastSeenAt: at("last_seen_at"),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [unique("agents_owner_name").on(t.ownerId, t.name)],
);

export type AgentState = "starting" | "running" | "draining" | "stopped" | "failed";

/** Every change of an agent's state. */
export const agentEvents = pgTable(
  "agent_events",
  {
    id: id(),
    agentId: uuid("agent_id")
      .notNull()
      .references(() => agents.id, { onDelete: "cascade" }),
    state: text("state").$type<AgentState>().notNull(),
    reason: text("reason"),
    version: text("version"),
    createdAt: createdAt(),
  },
  (t) => [index("agent_events_agent").on(t.agentId, t.createdAt, t.id)],
);

export type AgentRow = typeof agents.$inferSelect;
export type AgentEventRow = typeof agentEvents.$inferSelect;
