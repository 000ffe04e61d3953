import {
  and,
  desc,
  eq,
  getTableColumns,
  gt,
  inArray,
  isNull,
  lt,
  lte,
  ne,
  or,
  type SQL,
  sql,
} from "drizzle-orm";
import type { Db } from "#db/client";
import { behind, newestFirst } from "#db/page";
import { agents, modelVersions, type RunKind, type RunRow, runs, type RunStatus, users } from "#db/schema";
import type { Scope } from "../../kernel/actor.ts";
import type { Page } from "../../kernel/page.ts";
import type { RunWithVersion } from "./runs.schema.ts";

const owned = (scope: Scope) => (scope === null ? undefined : eq(runs.ownerId, scope));

const withVersion = {
  ...getTableColumns(runs),
  versionId: modelVersions.id,
  versionModelId: modelVersions.modelId,
  versionNumber: modelVersions.version,
};
const producedVersion = and(eq(modelVersions.trainingRunId, runs.id), eq(modelVersions.source, "run"));

/** Newest first, one row more than asked for, without their commands. */
export function listRuns(
  db: Db,
  scope: Scope,
  { limit, after }: Page,
  status?: RunStatus,
): Promise<RunWithVersion[]> {
  return db
    .select({ ...withVersion, command: sql<null>`null` })
    .from(runs)
    .leftJoin(modelVersions, producedVersion)
    .where(and(owned(scope), status && eq(runs.status, status), behind(runs, after)))
    .orderBy(...newestFirst(runs))
    .limit(limit + 1);
}

export async function findRun(db: Db, scope: Scope, id: string): Promise<RunWithVersion | undefined> {
  const [row] = await db
    .select(withVersion)
    .from(runs)
    .leftJoin(modelVersions, producedVersion)
    .where(and(eq(runs.id, id), owned(scope)));
  return row;
}

export async function insertRun(db: Db, run: typeof runs.$inferInsert): Promise<RunRow> {
  const [row] = await db.insert(runs).values(run).returning();
  return row!;
}

const heldBy = (agentId: string, id: string) =>
  and(eq(runs.id, id), eq(runs.agentId, agentId), eq(runs.status, "running"));

/** An agent that asks for work: whose runs it may take, and of which kinds. */
export interface Taker {
  agentId: string;
  ownerId: string;
  /** Whether it takes others' runs too. */
  isShared: boolean;
  kinds: RunKind[];
  labels: string[];
  /** What the process of a command is to write with. */
  tokenHash: string;
}

/** In the queue, and not held back by its owner's suspension. */
export const isWaiting = and(
  eq(runs.status, "pending"),
  eq(runs.executor, "agent"),
  sql`not exists (select from ${users} where ${users.id} = ${runs.ownerId} and ${users.suspendedAt} is not null)`,
);

const isFor = ({ kinds, labels }: Taker, now: Date) =>
  and(
    isWaiting,
    inArray(runs.kind, kinds),
    sql`${runs.labels} <@ ${JSON.stringify(labels)}::jsonb`,
    or(isNull(runs.notBefore), lte(runs.notBefore, now)),
  );

const taken = ({ agentId, tokenHash }: Taker, now: Date, until: Date) => ({
  status: "running" as const,
  agentId,
  leaseExpiresAt: until,
  startedAt: now,
  updatedAt: now,
  tokenHash: sql`case when ${runs.kind} = 'command' then ${tokenHash} end`,
});

/** Of one owner's runs the one that goes first: the highest priority, then the one that waits longest. */
const firstOf = (db: Db, taker: Taker, now: Date, ownerId: string | SQL) =>
  db
    .select({ id: runs.id, queuedAt: runs.queuedAt })
    .from(runs)
    .where(and(isFor(taker, now), eq(runs.ownerId, ownerId)))
    .orderBy(desc(runs.priority), runs.queuedAt, runs.id)
    .limit(1)
    .for("update", { skipLocked: true });

/**
 * Gives the agent the run that goes first of those it may and can take. Concurrent callers skip each other's row, so each
 * run goes to one.
 */
export async function claimRun(db: Db, taker: Taker, now: Date, until: Date): Promise<RunRow | undefined> {
  if (taker.isShared) return claimShared(db, taker, now, until);
  const next = db.$with("next").as(firstOf(db, taker, now, taker.ownerId));
  const [row] = await db
    .with(next)
    .update(runs)
    .set(taken(taker, now, until))
    .where(eq(runs.id, sql`(select id from ${next})`))
    .returning();
  return row;
}

/**
 * An agent that is shared serves owners by how long what they wait for has waited, and each owner's most urgent first. The
 * run whose turn it was then takes the place of the one that went instead: a priority above 0 gets nobody before others,
 * however many one has; one below lets others go first. On the agent's own owner's word it counts in full.
 */
async function claimShared(db: Db, taker: Taker, now: Date, until: Date): Promise<RunRow | undefined> {
  const rank = sql`case when ${runs.ownerId} = ${taker.ownerId} then ${runs.priority} else least(${runs.priority}, 0) end`;
  const turn = db
    .$with("turn")
    .as(
      db
        .select({ id: runs.id, ownerId: runs.ownerId })
        .from(runs)
        .where(isFor(taker, now))
        .orderBy(desc(rank), runs.queuedAt, runs.id)
        .limit(1)
        .for("update", { skipLocked: true }),
    );
  const next = db.$with("next").as(firstOf(db, taker, now, sql`(select owner_id from ${turn})`));
  const waitsOn = db.$with("waits_on").as(
    db
      .update(runs)
      .set({ queuedAt: sql`(select queued_at from ${next})` })
      .where(and(eq(runs.id, sql`(select id from ${turn})`), ne(runs.id, sql`(select id from ${next})`)))
      .returning({ id: runs.id }),
  );
  const [row] = await db
    .with(turn, next, waitsOn)
    .update(runs)
    .set(taken(taker, now, until))
    .where(eq(runs.id, sql`(select id from ${next})`))
    .returning();
  return row;
}

/** Gives the process of a run that is taken up again a token in the place of the lost one. */
export async function setRunToken(db: Db, agentId: string, id: string, tokenHash: string): Promise<void> {
  await db
    .update(runs)
    .set({ tokenHash })
    .where(and(heldBy(agentId, id), eq(runs.kind, "command")));
}

/** The run whose process was given that token; none while its owner is suspended. */
export async function findRunByTokenHash(
  db: Db,
  tokenHash: string,
): Promise<{ id: string; ownerId: string } | undefined> {
  const [row] = await db
    .select({ id: runs.id, ownerId: runs.ownerId })
    .from(runs)
    .innerJoin(users, eq(users.id, runs.ownerId))
    .where(and(eq(runs.tokenHash, tokenHash), eq(runs.status, "running"), isNull(users.suspendedAt)));
  return row;
}

export interface Heartbeat {
  id: string;
  capabilities: string[];
  labels: string[];
  concurrency: number | null;
  version: string;
}

/**
 * Stamps the agent and renews its leases, in one round trip. Returns the ids of all the runs it holds by the database's
 * account; one it does not know of it will be told to take up again.
 */
export async function renewLeases(db: Db, agent: Heartbeat, now: Date, until: Date): Promise<string[]> {
  const { id, ...said } = agent;
  const held = and(eq(runs.agentId, id), eq(runs.status, "running"));
  const [, , rows] = await db.batch([
    db
      .update(agents)
      .set({ lastSeenAt: now, ...said })
      .where(eq(agents.id, id)),
    db.update(runs).set({ leaseExpiresAt: until }).where(held),
    db.select({ id: runs.id }).from(runs).where(held).orderBy(runs.startedAt),
  ]);
  return rows.map((row) => row.id);
}

export async function findHeldRun(db: Db, agentId: string, id: string): Promise<RunRow | undefined> {
  const [row] = await db.select().from(runs).where(heldBy(agentId, id));
  return row;
}

/** The agent's run whatever its status, to tell a repeated report from a foreign one. */
export async function findRunOfAgent(db: Db, agentId: string, id: string): Promise<RunRow | undefined> {
  const [row] = await db
    .select()
    .from(runs)
    .where(and(eq(runs.id, id), eq(runs.agentId, agentId)));
  return row;
}

/** Whether the agent held the run when it was stopped, after `since`. */
export async function wasStoppedAt(db: Db, agentId: string, id: string, since: Date): Promise<boolean> {
  const run = and(eq(runs.id, id), eq(runs.agentId, agentId));
  const [row] = await db
    .select({ id: runs.id })
    .from(runs)
    .where(and(run, eq(runs.status, "stopped"), gt(runs.completedAt, since)));
  return row !== undefined;
}

/** Running runs whose lease ran out before `before`, the longest over first. */
export async function findLostRuns(db: Db, before: Date, limit: number): Promise<string[]> {
  const rows = await db
    .select({ id: runs.id })
    .from(runs)
    .where(and(eq(runs.status, "running"), lt(runs.leaseExpiresAt, before)))
    .orderBy(runs.leaseExpiresAt)
    .limit(limit);
  return rows.map((row) => row.id);
}
