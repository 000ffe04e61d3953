import { and, asc, eq, gt, lt, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { runChunks, type RunRow, runs } from "#db/schema";
import type { MetricPoint } from "../../kernel/ports/run-feeds.ts";
import type { Chunk, FeedMeta } from "./feed-store.ts";
import { presentPoint } from "./metric-wire.ts";
import type { RunArchive } from "./run-feed.object.ts";

// One answer of the database holds about 2 MB of chunks at most.
const LOAD_BATCH = 4;

const metaOf = (row: RunRow): FeedMeta => ({
  ownerId: row.ownerId,
  agentId: row.agentId,
  status: row.status,
  completedAt: row.completedAt?.getTime() ?? null,
  errorMessage: row.errorMessage,
  leaseExpiresAt: row.leaseExpiresAt?.getTime() ?? null,
});

async function findRun(db: Db, runId: string): Promise<FeedMeta | undefined> {
  const [row] = await db.select().from(runs).where(eq(runs.id, runId));
  return row && metaOf(row);
}

async function loadChunks(db: Db, runId: string, visit: (chunk: Chunk) => void): Promise<void> {
  for (const kind of ["metrics", "logs"] as const) {
    for (let after = 0, more = true; more;) {
      const rows = await db
        .select()
        .from(runChunks)
        .where(and(eq(runChunks.runId, runId), eq(runChunks.kind, kind), gt(runChunks.firstSeq, after)))
        .orderBy(asc(runChunks.firstSeq))
        .limit(LOAD_BATCH);
      rows.forEach(visit);
      after = rows.at(-1)?.firstSeq ?? after;
      more = rows.length === LOAD_BATCH;
    }
  }
}

/**
 * Writes chunks by their first sequence number, so that writing one again, grown or not, replaces it. A merged chunk
 * swallows the smaller ones that were archived before; those lie inside its range and go.
 */
async function saveChunks(
  db: Db,
  runId: string,
  chunks: Chunk[],
  latest: MetricPoint | undefined,
): Promise<void> {
  const excluded = (column: string) => sql.raw(`excluded.${column}`);
  const upsert = db
    .insert(runChunks)
    .values(chunks.map((chunk) => ({ ...chunk, runId })))
    .onConflictDoUpdate({
      target: [runChunks.runId, runChunks.kind, runChunks.firstSeq],
      set: {
        lastSeq: excluded("last_seq"),
        count: excluded("count"),
        minStep: excluded("min_step"),
        maxStep: excluded("max_step"),
        data: excluded("data"),
      },
    });
  const swallowed = chunks.map((chunk) =>
    db
      .delete(runChunks)
      .where(
        and(
          eq(runChunks.runId, runId),
          eq(runChunks.kind, chunk.kind),
          gt(runChunks.firstSeq, chunk.firstSeq),
          sql`${runChunks.firstSeq} <= ${chunk.lastSeq}`,
        ),
      ),
  );
  const summary = latest
    ? [
        db
          .update(runs)
          .set({ latestMetrics: presentPoint(latest) })
          .where(eq(runs.id, runId)),
      ]
    : [];
  await db.batch([upsert, ...swallowed, ...summary]);
}

async function expireLease(db: Db, runId: string, now: Date): Promise<FeedMeta | undefined> {
  await db
    .update(runs)
    .set({
      status: "failed",
      errorMessage: AGENT_LOST,
      completedAt: now,
      updatedAt: now,
      leaseExpiresAt: null,
    })
    .where(and(eq(runs.id, runId), eq(runs.status, "running"), lt(runs.leaseExpiresAt, now)));
  return findRun(db, runId);
}

export const AGENT_LOST = "The agent that trained this run was not heard of any more.";

/** The archive of all feeds, in Postgres. */
export const createRunArchive = (db: Db): RunArchive => ({
  findRun: (runId) => findRun(db, runId),
  loadChunks: (runId, visit) => loadChunks(db, runId, visit),
  saveChunks: (runId, chunks, latest) => saveChunks(db, runId, chunks, latest),
  expireLease: (runId, now) => expireLease(db, runId, now),
});
