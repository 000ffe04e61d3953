/** Tickets to streams in an object's own SQLite, by the hash of what is shown: each is good once, until it expires. */
export class StreamTickets<T extends string> {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  createTable(): void {
    this.#sql.exec(
      "CREATE TABLE IF NOT EXISTS stream_tickets (hash TEXT PRIMARY KEY, expires_at INTEGER NOT NULL, watcher TEXT NOT NULL)",
    );
  }

  /** `watcher` says whom the ticket lets in. */
  add(hash: string, expiresAt: number, watcher: T): void {
    const insert = "INSERT INTO stream_tickets (hash, expires_at, watcher) VALUES (?, ?, ?)";
    this.#sql.exec(insert, hash, expiresAt, watcher);
  }

  /** Whom a ticket lets in; the next who asks gets nothing. */
  redeem(hash: string, now: number): T | null {
    this.#sql.exec("DELETE FROM stream_tickets WHERE expires_at <= ?", now);
    const [taken] = this.#sql
      .exec<{ watcher: T }>("DELETE FROM stream_tickets WHERE hash = ? RETURNING watcher", hash)
      .toArray();
    return taken?.watcher ?? null;
  }
}
