import type { Recording, RecordingStore } from "./recording-store.ts";

/** Recordings in the own SQLite of an agent's link. */
export class SqlRecordingStore implements RecordingStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.createTables();
  }

  createTables(): void {
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS recordings (id TEXT PRIMARY KEY, recording TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS recording_chunks (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL
      );
      CREATE INDEX IF NOT EXISTS recording_parts ON recording_chunks (id, part, seq);
    `);
  }

  recordings(): Recording[] {
    return this.#sql
      .exec<{ recording: string }>("SELECT recording FROM recordings ORDER BY rowid")
      .toArray()
      .map(({ recording }) => JSON.parse(recording) as Recording);
  }

  keep(recording: Recording, chunk?: { part: number; bytes: Uint8Array }): void {
    const json = JSON.stringify(recording);
    this.#sql.exec("INSERT OR REPLACE INTO recordings (id, recording) VALUES (?, ?)", recording.id, json);
    if (!chunk) return;
    const insert = "INSERT INTO recording_chunks (id, part, bytes) VALUES (?, ?, ?)";
    this.#sql.exec(insert, recording.id, chunk.part, chunk.bytes);
  }

  chunks(id: string, part?: number): Uint8Array[] {
    const select =
      "SELECT bytes FROM recording_chunks WHERE id = ?1 AND (?2 IS NULL OR part = ?2) ORDER BY seq";
    return this.#sql
      .exec<{ bytes: ArrayBuffer }>(select, id, part ?? null)
      .toArray()
      .map(({ bytes }) => new Uint8Array(bytes));
  }

  dropPart(recording: Recording, part: number): void {
    this.keep(recording);
    this.#sql.exec("DELETE FROM recording_chunks WHERE id = ? AND part = ?", recording.id, part);
  }

  remove(id: string): void {
    this.#sql.exec("DELETE FROM recording_chunks WHERE id = ?", id);
    this.#sql.exec("DELETE FROM recordings WHERE id = ?", id);
  }
}
