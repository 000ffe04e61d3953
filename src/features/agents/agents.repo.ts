import { and, eq, getTableColumns, gt, inArray, isNotNull, isNull, lt, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { behind, newestFirst } from "#db/page";
import { agentEvents, type AgentEventRow, type AgentRow, agents, roles, runs, users } from "#db/schema";
import type { Scope } from "../../kernel/actor.ts";
import type { Page } from "../../kernel/page.ts";
import { isUniqueViolation } from "../../kernel/postgres-error.ts";
import { onCustomRole, type Standing, standingColumns } from "../accounts/index.ts";

const owned = (scope: Scope) => (scope === null ? undefined : eq(agents.ownerId, scope));

/** An agent with what decides on what its owner may do. */
export interface AgentBearer extends Standing {
  agent: AgentRow;
}

/** The agent with that token and its owner's standing; none while the owner is suspended. */
export async function findAgentByTokenHash(db: Db, tokenHash: string): Promise<AgentBearer | undefined> {
  const [row] = await db
    .select({ agent: getTableColumns(agents), ...standingColumns })
    .from(agents)
    .innerJoin(users, eq(users.id, agents.ownerId))
    .leftJoin(roles, onCustomRole)
    .where(and(eq(agents.tokenHash, tokenHash), isNull(users.suspendedAt)));
  return row;
}

/** An agent that calls, how many runs it holds, and its owner's standing. */
export interface ConnectedAgent extends AgentBearer {
  busy: number;
}

// Beyond this many, what the queue says of them is an estimate.
const MOST_CONNECTED = 5_000;

export function listConnected(db: Db, since: Date): Promise<ConnectedAgent[]> {
  const busy = db.$count(runs, and(eq(runs.agentId, agents.id), eq(runs.status, "running")));
  return db
    .select({ agent: getTableColumns(agents), ...standingColumns, busy })
    .from(agents)
    .innerJoin(users, eq(users.id, agents.ownerId))
    .leftJoin(roles, onCustomRole)
    .where(and(gt(agents.lastSeenAt, since), isNotNull(agents.tokenHash), isNull(users.suspendedAt)))
    .limit(MOST_CONNECTED);
}

export function listAgents(db: Db, scope: Scope, { limit, after }: Page): Promise<AgentRow[]> {
  return db
    .select()
    .from(agents)
    .where(and(owned(scope), behind(agents, after)))
    .orderBy(...newestFirst(agents))
    .limit(limit + 1);
}

export async function findAgent(db: Db, scope: Scope, id: string): Promise<AgentRow | undefined> {
  const [row] = await db
    .select()
    .from(agents)
    .where(and(eq(agents.id, id), owned(scope)));
  return row;
}

/** `undefined` when the owner has an agent of that name. */
export async function insertAgent(
  db: Db,
  agent: Pick<AgentRow, "ownerId" | "name" | "shared" | "tokenHash" | "tokenIssuedAt">,
): Promise<AgentRow | undefined> {
  const [row] = await db.insert(agents).values(agent).onConflictDoNothing().returning();
  return row;
}

export interface AgentChange {
  name?: string | undefined;
  shared?: boolean | undefined;
  recordTerminals?: boolean | undefined;
}

/** Changes what is given; `taken` when the owner has another agent of that name. */
export async function updateAgent(
  db: Db,
  scope: Scope,
  id: string,
  { name, shared, recordTerminals }: AgentChange,
  now: Date,
): Promise<AgentRow | "taken" | undefined> {
  try {
    const [row] = await db
      .update(agents)
      .set({
        updatedAt: now,
        ...(name !== undefined && { name }),
        ...(shared !== undefined && { shared }),
        ...(recordTerminals !== undefined && { recordTerminals }),
      })
      .where(and(eq(agents.id, id), owned(scope)))
      .returning();
    return row;
  } catch (error) {
    if (isUniqueViolation(error)) return "taken";
    throw error;
  }
}

/** Newest first, one row more than asked for. */
export function listEvents(db: Db, agentId: string, { limit, after }: Page): Promise<AgentEventRow[]> {
  return db
    .select()
    .from(agentEvents)
    .where(and(eq(agentEvents.agentId, agentId), behind(agentEvents, after)))
    .orderBy(...newestFirst(agentEvents))
    .limit(limit + 1);
}

/** Forgets what happened to agents before `before`; each time a bounded number. */
export async function deleteOldEvents(db: Db, before: Date, limit: number): Promise<number> {
  const old = db
    .select({ id: agentEvents.id })
    .from(agentEvents)
    .where(lt(agentEvents.createdAt, before))
    .limit(limit);
  const rows = await db
    .delete(agentEvents)
    .where(inArray(agentEvents.id, old))
    .returning({ id: agentEvents.id });
  return rows.length;
}

/** How many of the runs an agent was given ended in which way. */
export async function countWork(db: Db, agentId: string) {
  const rows = await db
    .select({ status: runs.status, count: sql<number>`count(*)::int` })
    .from(runs)
    .where(eq(runs.agentId, agentId))
    .groupBy(runs.status);
  const of = (status: string) => rows.find((row) => row.status === status)?.count ?? 0;
  return {
    completed: of("completed"),
    failed: of("failed"),
    stopped: of("stopped"),
    running: of("running"),
  };
}

export async function deleteAgent(db: Db, scope: Scope, id: string): Promise<boolean> {
  const rows = await db
    .delete(agents)
    .where(and(eq(agents.id, id), owned(scope)))
    .returning({ id: agents.id });
  return rows.length > 0;
}

export interface NewSecret {
  tokenHash: string;
  now: Date;
}

/** Gives an agent a token: its first (again), or one in the place of what it has. `undefined` where that does not fit. */
export async function setToken(
  db: Db,
  scope: Scope,
  id: string,
  instead: "first" | "next",
  { tokenHash, now }: NewSecret,
): Promise<AgentRow | undefined> {
  const fits = instead === "first" ? isNull(agents.tokenHash) : isNotNull(agents.tokenHash);
  const [row] = await db
    .update(agents)
    .set({ tokenHash, tokenIssuedAt: now, updatedAt: now })
    .where(and(eq(agents.id, id), owned(scope), fits))
    .returning();
  return row;
}

/** Takes an agent's token away; tells whether it had one. */
export async function clearToken(db: Db, scope: Scope, id: string, now: Date): Promise<boolean> {
  const rows = await db
    .update(agents)
    .set({ tokenHash: null, tokenIssuedAt: null, updatedAt: now })
    .where(and(eq(agents.id, id), owned(scope), isNotNull(agents.tokenHash)))
    .returning({ id: agents.id });
  return rows.length > 0;
}

/** How many agents there are and how many of them were heard of since `since`. */
export async function countAgents(db: Db, since: Date): Promise<{ total: number; connected: number }> {
  const [row] = await db
    .select({
      total: sql<number>`count(*)::int`,
      connected: sql<number>`(count(*) filter (where ${gt(agents.lastSeenAt, since)}))::int`,
    })
    .from(agents);
  return row!;
}
