import { z } from "zod";
import type { TerminalTicket } from "../../kernel/ports/agent-links.ts";
import type { Watcher } from "../../kernel/ports/run-feeds.ts";
import { StreamTickets } from "../../kernel/stream-tickets.ts";
import { KeptOutput } from "./terminal-replies.ts";

/** Whose a terminal is, kept until it has ended. */
export interface TerminalRecord {
  id: string;
  userId: string;
  userName: string;
  /** The sign-in it was last looked at by: what ends with it. */
  watcher: Watcher;
  ip: string | null;
  openedAt: number;
  /** What the agent calls it by in binary frames. */
  channel: number;
  /** Nobody may have it (yet, or any more), and it is ended wherever it is found. */
  isDoomed: boolean;
}

/** How a terminal ended, in the agent's words; `lost` when the agent could not say. */
export const TerminalEnd = z.object({
  exit_code: z.number().int().nullable(),
  signal: z.number().int().nullable(),
  reason: z.enum(["exit", "idle", "time", "closed", "abandoned", "drained", "lost"]),
  bytes_in: z.number().int().nullable(),
  bytes_out: z.number().int().nullable(),
});
export type TerminalEnd = z.infer<typeof TerminalEnd>;

/** What an agent says of the end: also the last of what the terminal said, if that may not have arrived. */
export const EndedTerminal = TerminalEnd.extend({ tail: KeptOutput.optional() });
export type EndedTerminal = z.infer<typeof EndedTerminal>;

/** A link's terminals and the tickets to them, in its object's own SQLite. */
export class TerminalStore {
  readonly #sql: SqlStorage;
  readonly #tickets: StreamTickets<string>;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#tickets = new StreamTickets(sql);
    this.createTables();
  }

  createTables(): void {
    this.#tickets.createTable();
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS terminals (id TEXT PRIMARY KEY, record TEXT NOT NULL);
    `);
  }

  clear(): void {
    this.#sql.exec("DELETE FROM terminals; DELETE FROM stream_tickets;");
  }

  terminals(): TerminalRecord[] {
    return this.#sql
      .exec<{ record: string }>("SELECT record FROM terminals ORDER BY rowid")
      .toArray()
      .map(({ record }) => JSON.parse(record) as TerminalRecord);
  }

  terminal(id: string): TerminalRecord | undefined {
    return this.terminals().find((record) => record.id === id);
  }

  addTerminal(record: TerminalRecord): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO terminals (id, record) VALUES (?, ?)",
      record.id,
      JSON.stringify(record),
    );
  }

  removeTerminal(id: string): void {
    this.#sql.exec("DELETE FROM terminals WHERE id = ?", id);
  }

  addTicket(hash: string, expiresAt: number, ticket: TerminalTicket): void {
    this.#tickets.add(hash, expiresAt, JSON.stringify(ticket));
  }

  /** What a ticket stands for; the next who asks gets nothing. */
  redeemTicket(hash: string, now: number): TerminalTicket | null {
    const ticket = this.#tickets.redeem(hash, now);
    return ticket === null ? null : (JSON.parse(ticket) as TerminalTicket);
  }
}
