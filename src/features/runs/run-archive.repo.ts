import { and, asc, eq, gt, inArray, lt, type SQL, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { orphanBlobs, runArtifacts, runChunks, type RunRow, runs } from "#db/schema";
import type { MetricPoint, RunEnding } from "../../kernel/ports/run-feeds.ts";
import { stillMay } from "../accounts/index.ts";
import type { Change, RunArchive } from "./feed-archive.ts";
import type { Chunk, FeedMeta } from "./feed-store.ts";
import { presentPoint } from "./metric-wire.ts";

// One answer of the database holds about 2 MB of chunks at most.
const LOAD_BATCH = 4;

// Read with every copy, so without what may be large.
const metaColumns = {
  ownerId: runs.ownerId,
  agentId: runs.agentId,
  status: runs.status,
  attempt: runs.attempt,
  completedAt: runs.completedAt,
  errorMessage: runs.errorMessage,
  leaseExpiresAt: runs.leaseExpiresAt,
};
type MetaRow = Pick<RunRow, keyof typeof metaColumns>;

const metaOf = (row: MetaRow): FeedMeta => ({
  ownerId: row.ownerId,
  agentId: row.agentId,
  status: row.status,
  attempt: row.attempt,
  completedAt: row.completedAt?.getTime() ?? null,
  errorMessage: row.errorMessage,
  leaseExpiresAt: row.leaseExpiresAt?.getTime() ?? null,
});

const asMeta = ([row]: MetaRow[]): FeedMeta | undefined => row && metaOf(row);

const rowOf = (db: Db, runId: string) => db.select(metaColumns).from(runs).where(eq(runs.id, runId));

const findRun = async (db: Db, runId: string) => asMeta(await rowOf(db, runId));

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
): Promise<FeedMeta | undefined> {
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
  const answers = await db.batch([upsert, ...swallowed, ...summary, rowOf(db, runId)]);
  return asMeta(answers.at(-1) as MetaRow[]);
}

const ended = ({ status, at, errorMessage, result }: RunEnding) => ({
  status,
  completedAt: new Date(at),
  updatedAt: new Date(at),
  leaseExpiresAt: null,
  tokenHash: null,
  errorMessage: errorMessage ?? null,
  ...(result && { result }),
});

/** Ends the run where `condition` holds, and reads the row in the same round trip. */
async function end(db: Db, runId: string, ending: RunEnding, condition: SQL | undefined): Promise<Change> {
  const [changed, rows] = await db.batch([
    db
      .update(runs)
      .set(ended(ending))
      .where(and(eq(runs.id, runId), condition))
      .returning({ id: runs.id }),
    rowOf(db, runId),
  ]);
  return { changed: changed.length > 0, meta: asMeta(rows) };
}

const live = inArray(runs.status, ["pending", "running"]);

const BACK_OFF_SECONDS = { first: 2, longest: 300 };

/** What an attempt that failed leaves of the run while it waits for the next: twice as long after each. */
const tryAgain = ({ at, errorMessage }: RunEnding) => ({
  status: "pending" as const,
  agentId: null,
  leaseExpiresAt: null,
  tokenHash: null,
  startedAt: null,
  attempt: sql`${runs.attempt} + 1`,
  notBefore: sql`${new Date(at).toISOString()}::timestamptz + make_interval(secs => least(
    ${BACK_OFF_SECONDS.first} * power(2, ${runs.attempt} - 1), ${BACK_OFF_SECONDS.longest}))`,
  errorMessage: errorMessage ?? null,
  updatedAt: new Date(at),
});

/** Puts the run back into the queue where `condition` holds and an attempt is left; ends it otherwise. */
async function fail(db: Db, runId: string, ending: RunEnding, condition: SQL | undefined): Promise<Change> {
  const there = and(eq(runs.id, runId), condition);
  const [retried, changed, rows] = await db.batch([
    db
      .update(runs)
      .set(tryAgain(ending))
      .where(and(there, sql`${runs.attempt} <= ${runs.maxRetries}`))
      .returning({ id: runs.id }),
    // No condition of a failure holds for a run that waits, so this leaves alone what the first has put back.
    db.update(runs).set(ended(ending)).where(there).returning({ id: runs.id }),
    rowOf(db, runId),
  ]);
  return { changed: retried.length + changed.length > 0, meta: asMeta(rows) };
}

function endRun(db: Db, runId: string, ending: RunEnding, agentId?: string): Promise<Change> {
  if (agentId === undefined) return end(db, runId, ending, live);
  const held = and(eq(runs.agentId, agentId), eq(runs.status, "running"));
  return ending.mayRetry ? fail(db, runId, ending, held) : end(db, runId, ending, held);
}

const AGENT_LOST = "The agent that trained this run was not heard of any more.";

const expireLease = (db: Db, runId: string, now: Date): Promise<Change> =>
  fail(
    db,
    runId,
    { status: "failed", at: now.getTime(), errorMessage: AGENT_LOST },
    and(eq(runs.status, "running"), lt(runs.leaseExpiresAt, now)),
  );

/** Deletes the row with all that hangs on it; its files are left to the sweep in the same transaction. */
async function deleteRun(db: Db, runId: string): Promise<boolean> {
  const files = db
    .select({ key: runArtifacts.blobKey, deleteAfter: sql`now()`.as("delete_after") })
    .from(runArtifacts)
    .where(eq(runArtifacts.runId, runId));
  const [, , rows] = await db.batch([
    // Whoever stores an artifact has the row too, so none comes in between.
    db.select({ id: runs.id }).from(runs).where(eq(runs.id, runId)).for("update"),
    db.insert(orphanBlobs).select(files),
    db.delete(runs).where(eq(runs.id, runId)).returning({ id: runs.id }),
  ]);
  return rows.length > 0;
}

/** The archive of all feeds, in Postgres. */
export const createRunArchive = (db: Db): RunArchive => ({
  findRun: (runId) => findRun(db, runId),
  loadChunks: (runId, visit) => loadChunks(db, runId, visit),
  saveChunks: (runId, chunks, latest) => saveChunks(db, runId, chunks, latest),
  endRun: (runId, ending, agentId) => endRun(db, runId, ending, agentId),
  expireLease: (runId, now) => expireLease(db, runId, now),
  stillMay: (runId, watchers) => {
    const owner = sql<string | null>`(select ${runs.ownerId} from ${runs} where ${eq(runs.id, runId)})`;
    return stillMay(db, watchers, { permission: "runs:read", owner });
  },
  deleteRun: (runId) => deleteRun(db, runId),
});
