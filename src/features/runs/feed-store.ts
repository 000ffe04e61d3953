import type { ChunkKind } from "../../db/schema.ts";
import type { RunStatus, Watcher } from "../../kernel/ports/run-feeds.ts";
import { StreamTickets } from "../../kernel/stream-tickets.ts";

/** A stored stretch of points or log lines. `sealed` chunks are full and never change again. */
export interface ChunkInfo {
  firstSeq: number;
  lastSeq: number;
  count: number;
  minStep: number;
  maxStep: number;
}

export interface Chunk extends ChunkInfo {
  kind: ChunkKind;
  data: Uint8Array;
}

export interface FeedMeta {
  ownerId: string;
  agentId: string | null;
  status: RunStatus;
  /** Not known by feeds that were made before there were several. */
  attempt?: number;
  completedAt: number | null;
  errorMessage: string | null;
  /** Epoch milliseconds after which a running run's agent counts as lost. */
  leaseExpiresAt: number | null;
}

export interface Ack {
  firstSeq: number;
  lastSeq: number;
  /** What the batch said; unknown of an agent's, and of those acknowledged before digests were kept. */
  digest: string | null;
}

const INFO = "first_seq AS firstSeq, last_seq AS lastSeq, count, min_step AS minStep, max_step AS maxStep";
type InfoRow = { firstSeq: number; lastSeq: number; count: number; minStep: number; maxStep: number };
type AckRow = { firstSeq: number; lastSeq: number; digest: string | null };
type ChunkRow = InfoRow & { data: ArrayBuffer };

/** A feed's tables in its object's own SQLite. Every method is synchronous, so a turn's writes commit as one. */
export class FeedStore {
  readonly #sql: SqlStorage;
  readonly #tickets: StreamTickets<Watcher>;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#tickets = new StreamTickets(sql);
    this.createTables();
  }

  createTables(): void {
    this.#tickets.createTable();
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS chunks (
        kind TEXT NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, count INTEGER NOT NULL,
        min_step REAL NOT NULL, max_step REAL NOT NULL,
        sealed INTEGER NOT NULL DEFAULT 0, archived INTEGER NOT NULL DEFAULT 0, data BLOB NOT NULL,
        PRIMARY KEY (kind, first_seq)
      );
      CREATE INDEX IF NOT EXISTS chunks_open ON chunks (kind, first_seq) WHERE sealed = 0;
      CREATE INDEX IF NOT EXISTS chunks_unarchived ON chunks (kind, first_seq) WHERE archived = 0;
      CREATE TABLE IF NOT EXISTS acks (
        key TEXT PRIMARY KEY, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, at INTEGER NOT NULL,
        digest TEXT
      );
      DROP TABLE IF EXISTS tickets;
      CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    `);
    const hasDigest = this.#sql.exec("SELECT 1 FROM pragma_table_info('acks') WHERE name = 'digest'");
    if (hasDigest.toArray().length === 0) this.#sql.exec("ALTER TABLE acks ADD COLUMN digest TEXT");
  }

  fact<T>(name: string): T | undefined {
    const [row] = this.#sql.exec<{ value: string }>("SELECT value FROM facts WHERE name = ?", name).toArray();
    return row && (JSON.parse(row.value) as T);
  }

  setFact(name: string, value: unknown): void {
    this.#sql.exec("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", name, JSON.stringify(value));
  }

  dropFact(name: string): void {
    this.#sql.exec("DELETE FROM facts WHERE name = ?", name);
  }

  lastSeq(): number {
    return this.#sql.exec<{ seq: number }>("SELECT coalesce(max(last_seq), 0) AS seq FROM chunks").one().seq;
  }

  insert(chunk: Chunk, archived = false): void {
    const { kind, firstSeq, lastSeq, count, minStep, maxStep, data } = chunk;
    this.#sql.exec(
      `INSERT INTO chunks (kind, first_seq, last_seq, count, min_step, max_step, sealed, archived, data)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[kind, firstSeq, lastSeq, count, minStep, maxStep, archived ? 1 : 0, archived ? 1 : 0, data],
    );
  }

  /** The chunks that may still be merged, oldest first. */
  open(kind: ChunkKind): ChunkInfo[] {
    const query = `SELECT ${INFO} FROM chunks WHERE kind = ? AND sealed = 0 ORDER BY first_seq`;
    return this.#sql.exec<InfoRow>(query, kind).toArray();
  }

  /** Replaces neighbours by their merger. */
  replace(parts: ChunkInfo[], merged: Chunk): void {
    for (const part of parts) {
      this.#sql.exec("DELETE FROM chunks WHERE kind = ? AND first_seq = ?", merged.kind, part.firstSeq);
    }
    this.insert(merged);
  }

  seal(kind: ChunkKind, firstSeq: number): void {
    this.#sql.exec("UPDATE chunks SET sealed = 1 WHERE kind = ? AND first_seq = ?", kind, firstSeq);
  }

  data(kind: ChunkKind, firstSeq: number): Uint8Array {
    const query = "SELECT data FROM chunks WHERE kind = ? AND first_seq = ?";
    return new Uint8Array(this.#sql.exec<{ data: ArrayBuffer }>(query, kind, firstSeq).one().data);
  }

  /** Chunks not yet in the archive, oldest first. */
  unarchived(kind: ChunkKind, limit: number): Chunk[] {
    const query = `SELECT ${INFO}, data FROM chunks WHERE kind = ? AND archived = 0 ORDER BY first_seq LIMIT ?`;
    const rows = this.#sql.exec<ChunkRow>(query, kind, limit).toArray();
    return rows.map((row) => ({ ...row, kind, data: new Uint8Array(row.data) }));
  }

  /** Only if it has not grown since: a chunk merged meanwhile must be archived again. */
  markArchived({ kind, firstSeq, lastSeq }: Chunk): void {
    const query = "UPDATE chunks SET archived = 1 WHERE kind = ? AND first_seq = ? AND last_seq = ?";
    this.#sql.exec(query, kind, firstSeq, lastSeq);
  }

  hasUnarchived(): boolean {
    return this.#sql.exec("SELECT 1 FROM chunks WHERE archived = 0 LIMIT 1").toArray().length > 0;
  }

  /** The chunk that holds the highest step, the newest of several. */
  highest(): ChunkInfo | undefined {
    const order = "ORDER BY max_step DESC, last_seq DESC LIMIT 1";
    return this.#sql.exec<InfoRow>(`SELECT ${INFO} FROM chunks WHERE kind = 'metrics' ${order}`).toArray()[0];
  }

  fromStep(step: number): ChunkInfo[] {
    const query = `SELECT ${INFO} FROM chunks WHERE kind = 'metrics' AND max_step >= ?`;
    return this.#sql.exec<InfoRow>(query, step).toArray();
  }

  afterSeq(kind: ChunkKind, seq: number, limit = -1): ChunkInfo[] {
    const query = `SELECT ${INFO} FROM chunks WHERE kind = ? AND last_seq > ? ORDER BY first_seq LIMIT ?`;
    return this.#sql.exec<InfoRow>(query, kind, seq, limit).toArray();
  }

  ack(key: string): Ack | undefined {
    const query = "SELECT first_seq AS firstSeq, last_seq AS lastSeq, digest FROM acks WHERE key = ?";
    return this.#sql.exec<AckRow>(query, key).toArray()[0];
  }

  addAck(key: string, { firstSeq, lastSeq, digest }: Ack, at: number): void {
    this.#sql.exec(
      "INSERT INTO acks (key, first_seq, last_seq, digest, at) VALUES (?, ?, ?, ?, ?)",
      ...[key, firstSeq, lastSeq, digest, at],
    );
  }

  forgetAcksBefore(at: number): void {
    this.#sql.exec("DELETE FROM acks WHERE at < ?", at);
  }

  addTicket(hash: string, expiresAt: number, watcher: Watcher): void {
    this.#tickets.add(hash, expiresAt, watcher);
  }

  redeemTicket(hash: string, now: number): Watcher | null {
    return this.#tickets.redeem(hash, now);
  }

  /** Drops what the archive holds anyway. */
  clearChunks(): void {
    this.#sql.exec("DELETE FROM chunks");
    this.#sql.exec("DELETE FROM acks");
  }
}
