import { and, eq, isNull, lt, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { behind, newestFirst } from "#db/page";
import { orphanBlobs, terminalRecordings, type TerminalRecordingRow } from "#db/schema";
import type { Page } from "../../kernel/page.ts";

export interface RecordingFilter {
  agentId?: string | undefined;
  userId?: string | undefined;
}

/** Newest first, one row more than asked for. */
export function listRecordings(
  db: Db,
  { agentId, userId }: RecordingFilter,
  { limit, after }: Page,
): Promise<TerminalRecordingRow[]> {
  return db
    .select()
    .from(terminalRecordings)
    .where(
      and(
        agentId === undefined ? undefined : eq(terminalRecordings.agentId, agentId),
        userId === undefined ? undefined : eq(terminalRecordings.userId, userId),
        behind(terminalRecordings, after),
      ),
    )
    .orderBy(...newestFirst(terminalRecordings))
    .limit(limit + 1);
}

export async function findRecording(db: Db, id: string): Promise<TerminalRecordingRow | undefined> {
  const [row] = await db.select().from(terminalRecordings).where(eq(terminalRecordings.id, id));
  return row;
}

/** Its blobs are left to the sweep. */
export async function deleteRecording(db: Db, id: string, blobKeys: string[]): Promise<void> {
  await db.batch([
    db
      .insert(orphanBlobs)
      .values(blobKeys.map((key) => ({ key, deleteAfter: sql`now()` })))
      .onConflictDoNothing(),
    db.delete(terminalRecordings).where(eq(terminalRecordings.id, id)),
  ]);
}

/** The oldest that began before `before`. */
export function listRecordingsBefore(db: Db, before: Date, limit: number): Promise<TerminalRecordingRow[]> {
  return db
    .select()
    .from(terminalRecordings)
    .where(lt(terminalRecordings.createdAt, before))
    .orderBy(terminalRecordings.createdAt)
    .limit(limit);
}

/** Ends on paper what began before `before` and was never said to have ended: nobody is left to say so. */
export async function endLostRecordings(db: Db, before: Date, now: Date): Promise<number> {
  const rows = await db
    .update(terminalRecordings)
    .set({ endedAt: now, endReason: "lost" })
    .where(and(isNull(terminalRecordings.endedAt), lt(terminalRecordings.createdAt, before)))
    .returning({ id: terminalRecordings.id });
  return rows.length;
}
