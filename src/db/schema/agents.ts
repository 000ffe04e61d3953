import { boolean, jsonb, pgTable, text, unique, uuid } from "drizzle-orm/pg-core";
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
    capabilities: jsonb("capabilities").$type<string[]>().notNull().default([]),
    version: text("version"),
    lastSeenAt: at("last_seen_at"),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [unique("agents_owner_name").on(t.ownerId, t.name)],
);

export type AgentRow = typeof agents.$inferSelect;
