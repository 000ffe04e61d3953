import { and, eq, isNull } from "drizzle-orm";
import type { Db } from "#db/client";
import { terminalRecordings } from "#db/schema";
import type { Recording } from "./recording-store.ts";

/** Whose terminal is recorded, and where. */
export interface NewRecording {
  id: string;
  agentId: string;
  agentName: string;
  userId: string;
  userName: string;
  startedAt: number;
}

/** Where reviewers find recordings. */
export interface RecordingArchive {
  begin(recording: NewRecording): Promise<void>;
  /** How far it is, and how it ended if it has. */
  note(recording: Recording): Promise<void>;
  /** There was nothing to record after all. */
  forget(id: string): Promise<void>;
}

export const createRecordingArchive = (db: Db): RecordingArchive => ({
  async begin({ startedAt, ...recording }) {
    await db.insert(terminalRecordings).values({ ...recording, createdAt: new Date(startedAt) });
  },
  async note({ id, stored, bytes, isTruncated, end }) {
    await db
      .update(terminalRecordings)
      .set({
        ...{ parts: stored, bytes, truncated: isTruncated },
        ...{ endedAt: end && new Date(end.at), endReason: end?.reason ?? null },
      })
      .where(eq(terminalRecordings.id, id));
  },
  async forget(id) {
    const unheard = and(eq(terminalRecordings.id, id), isNull(terminalRecordings.endedAt));
    await db.delete(terminalRecordings).where(unheard);
  },
});
