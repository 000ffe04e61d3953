import { bigint, boolean, index, integer, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { at, createdAt } from "./columns.ts";

/** What terminals said, kept for review. It stays when the agent or the account goes, as the audit trail does. */
export const terminalRecordings = pgTable(
  "terminal_recordings",
  {
    /** The terminal's own. */
    id: uuid("id").primaryKey(),
    agentId: uuid("agent_id").notNull(),
    agentName: text("agent_name").notNull(),
    userId: uuid("user_id").notNull(),
    userName: text("user_name").notNull(),
    /** Blobs `terminals/<id>/<0…parts-1>`, one after the other, are the file so far. */
    parts: integer("parts").notNull().default(0),
    bytes: bigint("bytes", { mode: "number" }).notNull().default(0),
    truncated: boolean("truncated").notNull().default(false),
    endReason: text("end_reason"),
    endedAt: at("ended_at"),
    createdAt: createdAt(),
  },
  (t) => [
    index("terminal_recordings_newest").on(t.createdAt, t.id),
    index("terminal_recordings_agent").on(t.agentId, t.createdAt, t.id),
    index("terminal_recordings_user").on(t.userId, t.createdAt, t.id),
  ],
);

export type TerminalRecordingRow = typeof terminalRecordings.$inferSelect;
