import type { Watcher } from "../../kernel/ports/run-feeds.ts";
import { StreamTickets } from "../../kernel/stream-tickets.ts";

/** Something watchers are told; `seq` counts them in the room, from 1. */
export interface Frame {
  type:
    | "hello"
    | "queue"
    | "cell_started"
    | "output"
    | "cell_finished"
    | "kernel"
    | "status"
    | "changed"
    | "gap";
  seq: number;
  data: Record<string, unknown>;
}

// What a watcher that was away gets again: recent things only; the cells themselves are in the database.
const KEEP_FRAMES = 2_000;
const KEEP_CHARACTERS = 4_000_000;
const KEEP_FRAME_CHARACTERS = 400_000;

/** A room's tables in its object's own SQLite. */
export class RoomStore {
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
      CREATE TABLE IF NOT EXISTS frames (seq INTEGER PRIMARY KEY AUTOINCREMENT, size INTEGER NOT NULL, frame TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    `);
  }

  has(fact: "busy" | "kernel"): boolean {
    return this.#sql.exec("SELECT 1 FROM facts WHERE name = ?", fact).toArray().length > 0;
  }

  set(fact: "busy" | "kernel", holds: boolean): void {
    if (holds) this.#sql.exec("INSERT OR IGNORE INTO facts (name, value) VALUES (?, 'true')", fact);
    else this.#sql.exec("DELETE FROM facts WHERE name = ?", fact);
  }

  /** How many of the notebook's kernels are over. */
  get life(): number {
    const lives = "SELECT value FROM facts WHERE name = 'life'";
    return Number(this.#sql.exec<{ value: string }>(lives).toArray()[0]?.value ?? 0);
  }

  nextLife(): void {
    this.#sql.exec("INSERT OR REPLACE INTO facts (name, value) VALUES ('life', ?)", String(this.life + 1));
  }

  /** Where the notebook's present kernel may be, in the order of asking. */
  get places(): string[] {
    const places = "SELECT value FROM facts WHERE name = 'places'";
    const value = this.#sql.exec<{ value: string }>(places).toArray()[0]?.value;
    return value === undefined ? [] : (JSON.parse(value) as string[]);
  }

  addPlace(place: string): void {
    const places = JSON.stringify([...new Set([...this.places, place])]);
    this.#sql.exec("INSERT OR REPLACE INTO facts (name, value) VALUES ('places', ?)", places);
  }

  forgetPlaces(): void {
    this.#sql.exec("DELETE FROM facts WHERE name = 'places'");
  }

  /** Gives a frame its number and keeps it for a while. */
  append(type: Frame["type"], data: Frame["data"]): Frame {
    const whole = JSON.stringify({ type, data });
    // A row has its limits: of what is larger, latecomers are only told to read the cells.
    const text = whole.length > KEEP_FRAME_CHARACTERS ? '{"type":"changed","data":{}}' : whole;
    const insert = "INSERT INTO frames (size, frame) VALUES (?, ?) RETURNING seq";
    const { seq } = this.#sql.exec<{ seq: number }>(insert, text.length, text).one();
    this.#sql.exec("DELETE FROM frames WHERE seq <= ?", seq - KEEP_FRAMES);
    this.#prune();
    return { type, seq, data };
  }

  #prune(): void {
    const total = "SELECT coalesce(sum(size), 0) AS size FROM frames";
    while (this.#sql.exec<{ size: number }>(total).one().size > KEEP_CHARACTERS)
      this.#sql.exec("DELETE FROM frames WHERE seq = (SELECT min(seq) FROM frames)");
  }

  lastSeq(): number {
    return this.#sql.exec<{ seq: number }>("SELECT coalesce(max(seq), 0) AS seq FROM frames").one().seq;
  }

  /** Everything after `since`; a gap first when some of it is gone. */
  *after(since: number): Generator<Frame> {
    const query = "SELECT seq, frame FROM frames WHERE seq > ? ORDER BY seq";
    let expected = since + 1;
    for (const row of this.#sql.exec<{ seq: number; frame: string }>(query, since).toArray()) {
      if (row.seq > expected)
        yield { type: "gap", seq: row.seq - 1, data: { from: expected, to: row.seq - 1 } };
      expected = row.seq + 1;
      yield { ...(JSON.parse(row.frame) as Omit<Frame, "seq">), seq: row.seq };
    }
  }

  addTicket(hash: string, expiresAt: number, watcher: Watcher): void {
    this.#tickets.add(hash, expiresAt, watcher);
  }

  redeemTicket(hash: string, now: number): Watcher | null {
    return this.#tickets.redeem(hash, now);
  }
}
