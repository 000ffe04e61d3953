import { and, asc, eq, gt, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { orphanBlobs, runArtifacts, type RunArtifactRow, runs } from "#db/schema";
import { adopt, type StoredFile } from "../files/index.ts";

export interface ArtifactPage {
  prefix?: string | undefined;
  after?: string | undefined;
  limit: number;
}

/** In the order of their paths, one row more than asked for. */
export function listArtifacts(
  db: Db,
  runId: string,
  { prefix, after, limit }: ArtifactPage,
): Promise<RunArtifactRow[]> {
  return db
    .select()
    .from(runArtifacts)
    .where(
      and(
        eq(runArtifacts.runId, runId),
        prefix === undefined ? undefined : sql`starts_with(${runArtifacts.path}, ${prefix})`,
        after === undefined ? undefined : gt(runArtifacts.path, after),
      ),
    )
    .orderBy(asc(runArtifacts.path))
    .limit(limit + 1);
}

export async function findArtifact(db: Db, runId: string, path: string): Promise<RunArtifactRow | undefined> {
  const [row] = await db
    .select()
    .from(runArtifacts)
    .where(and(eq(runArtifacts.runId, runId), eq(runArtifacts.path, path)));
  return row;
}

export async function countArtifacts(db: Db, runId: string): Promise<number> {
  return db.$count(runArtifacts, eq(runArtifacts.runId, runId));
}

/**
 * Puts a file in the place of whatever was stored under that path, which is left to the sweep. `undefined` when the run
 * is gone.
 */
export async function putArtifact(
  db: Db,
  runId: string,
  path: string,
  file: StoredFile,
  now: Date,
): Promise<RunArtifactRow | undefined> {
  const { blobKey, fileSize, sha256 } = file;
  const before = db
    .select({ key: runArtifacts.blobKey, deleteAfter: sql`now()`.as("delete_after") })
    .from(runArtifacts)
    .where(and(eq(runArtifacts.runId, runId), eq(runArtifacts.path, path)));
  const [, , , rows] = await db.batch([
    // One at a time for each run, so that of two files for one place neither is forgotten.
    db.select({ id: runs.id }).from(runs).where(eq(runs.id, runId)).for("no key update"),
    db.insert(orphanBlobs).select(before),
    adopt(db, blobKey),
    db
      .insert(runArtifacts)
      .values({ runId, path, blobKey, fileSize, sha256, createdAt: now })
      .onConflictDoUpdate({
        target: [runArtifacts.runId, runArtifacts.path],
        set: { blobKey, fileSize, sha256, createdAt: now },
      })
      .returning(),
  ]);
  return rows[0];
}
