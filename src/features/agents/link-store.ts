import type { CommandReply } from "../../kernel/agent-protocol.ts";
import type { AgentLogLine } from "../../kernel/ports/agent-links.ts";
import type { CommandStore, StoredCommand } from "./link-commands.ts";

/** How closely samples are kept: one for every `everyMs`, over `spanMs`. */
export const SPANS = {
  hour: { everyMs: 15_000, spanMs: 3_600_000 },
  day: { everyMs: 300_000, spanMs: 86_400_000 },
} as const;
export type Span = keyof typeof SPANS;

const KEPT_LINES = 5_000;
const KEEP_REPLIES_MS = 600_000;

type CommandRow = { id: string; name: string; args: string; expiresAt: number; reply: string | null };
const COLUMNS = "id, name, args, expires_at AS expiresAt, reply";

const toCommand = ({ args, reply, ...rest }: CommandRow): StoredCommand => ({
  ...rest,
  args: JSON.parse(args) as unknown,
  reply: reply === null ? null : (JSON.parse(reply) as CommandReply),
});

/** A link's tables in its object's own SQLite. Every method is synchronous, so a turn's writes commit as one. */
export class LinkStore implements CommandStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.createTables();
  }

  createTables(): void {
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS commands (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, args TEXT NOT NULL, expires_at INTEGER NOT NULL, reply TEXT
      );
      CREATE TABLE IF NOT EXISTS logs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, level TEXT NOT NULL, message TEXT NOT NULL, at INTEGER NOT NULL
      );
      CREATE TABLE IF NOT EXISTS samples (
        span TEXT NOT NULL, slot INTEGER NOT NULL, at INTEGER NOT NULL, sample TEXT NOT NULL, PRIMARY KEY (span, slot)
      );
      CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    `);
  }

  clear(): void {
    this.#sql.exec("DELETE FROM commands; DELETE FROM logs; DELETE FROM samples; DELETE FROM facts;");
  }

  fact<T>(name: string): T | undefined {
    const [row] = this.#sql.exec<{ value: string }>("SELECT value FROM facts WHERE name = ?", name).toArray();
    return row && (JSON.parse(row.value) as T);
  }

  setFact(name: string, value: unknown): void {
    this.#sql.exec("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", name, JSON.stringify(value));
  }

  command(id: string): StoredCommand | undefined {
    const [row] = this.#sql.exec<CommandRow>(`SELECT ${COLUMNS} FROM commands WHERE id = ?`, id).toArray();
    return row && toCommand(row);
  }

  addCommand({ id, name, args, expiresAt }: Omit<StoredCommand, "reply">): void {
    this.#sql.exec(
      "INSERT INTO commands (id, name, args, expires_at) VALUES (?, ?, ?, ?)",
      id,
      name,
      JSON.stringify(args ?? null),
      expiresAt,
    );
  }

  settle(id: string, reply: CommandReply, now: number): boolean {
    const { rowsWritten } = this.#sql.exec(
      "UPDATE commands SET reply = ?, expires_at = ? WHERE id = ? AND reply IS NULL",
      JSON.stringify(reply),
      now + KEEP_REPLIES_MS,
      id,
    );
    return rowsWritten > 0;
  }

  openCommands(now: number): StoredCommand[] {
    return this.#sql
      .exec<CommandRow>(
        `SELECT ${COLUMNS} FROM commands WHERE reply IS NULL AND expires_at > ? ORDER BY rowid`,
        now,
      )
      .toArray()
      .map(toCommand);
  }

  forgetCommandsBefore(now: number): void {
    this.#sql.exec("DELETE FROM commands WHERE expires_at <= ?", now);
  }

  /** Keeps the newest 5,000 lines. */
  addLog({ level, message, at }: Omit<AgentLogLine, "seq">): void {
    this.#sql.exec("INSERT INTO logs (level, message, at) VALUES (?, ?, ?)", level, message, at);
    this.#sql.exec("DELETE FROM logs WHERE seq <= (SELECT max(seq) FROM logs) - ?", KEPT_LINES);
  }

  logs(after: number | undefined, limit: number): AgentLogLine[] {
    if (after !== undefined)
      return this.#sql
        .exec<AgentLogLine & Record<string, SqlStorageValue>>(
          "SELECT seq, level, message, at FROM logs WHERE seq > ? ORDER BY seq LIMIT ?",
          after,
          limit,
        )
        .toArray();
    return this.#sql
      .exec<AgentLogLine & Record<string, SqlStorageValue>>(
        "SELECT seq, level, message, at FROM logs ORDER BY seq DESC LIMIT ?",
        limit,
      )
      .toArray()
      .reverse();
  }

  /** Keeps the newest sample of each slot of each span; slots are reused, so the table never grows. */
  addSample(sample: unknown, now: number): void {
    for (const [span, { everyMs, spanMs }] of Object.entries(SPANS)) {
      this.#sql.exec(
        "INSERT OR REPLACE INTO samples (span, slot, at, sample) VALUES (?, ?, ?, ?)",
        span,
        Math.floor(now / everyMs) % (spanMs / everyMs),
        now,
        JSON.stringify(sample),
      );
    }
  }

  samples(span: Span, now: number): { at: number; sample: unknown }[] {
    return this.#sql
      .exec<{ at: number; sample: string }>(
        "SELECT at, sample FROM samples WHERE span = ? AND at > ? ORDER BY at",
        span,
        now - SPANS[span].spanMs,
      )
      .toArray()
      .map(({ at, sample }) => ({ at, sample: JSON.parse(sample) as unknown }));
  }
}
