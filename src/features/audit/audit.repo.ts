import { and, asc, desc, eq, gt, gte, like, lt, lte, type SQL } from "drizzle-orm";
import type { Db } from "#db/client";
import { escapeLike } from "#db/like";
import { auditEvents, type AuditEventRow } from "#db/schema";
import type { AuditActorKind, AuditOutcome } from "../../kernel/ports/audit-trail.ts";
import type { ChainedEvent } from "./chain.ts";

/** Where chained events live for good. */
export interface AuditArchive {
  /** Adds events; one that is there already stays as it is. */
  save(events: ChainedEvent[]): Promise<void>;
  last(): Promise<ChainedEvent | undefined>;
}

const chainedOf = (row: AuditEventRow): ChainedEvent => ({
  ...row,
  at: row.at.toISOString(),
  actorKind: row.actorKind as AuditActorKind,
  outcome: row.outcome as AuditOutcome,
});

async function lastEvent(db: Db): Promise<ChainedEvent | undefined> {
  const [row] = await db.select().from(auditEvents).orderBy(desc(auditEvents.seq)).limit(1);
  return row && chainedOf(row);
}

export const createAuditArchive = (db: Db): AuditArchive => ({
  async save(events) {
    const rows = events.map((event) => ({ ...event, at: new Date(event.at) }));
    await db.insert(auditEvents).values(rows).onConflictDoNothing();
  },
  last: () => lastEvent(db),
});

export interface AuditFilter {
  actorId?: string | undefined;
  /** Exact, or everything that starts alike when it ends in `*`. */
  action?: string | undefined;
  outcome?: string | undefined;
  targetId?: string | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
  /** Only events before this place. */
  before?: number | undefined;
}

function actionIs(action: string | undefined): SQL | undefined {
  if (action === undefined) return undefined;
  if (!action.endsWith("*")) return eq(auditEvents.action, action);
  return like(auditEvents.action, `${escapeLike(action.slice(0, -1))}%`);
}

/** Events that fit, newest first, one more than `limit`. */
export function listEvents(db: Db, filter: AuditFilter, limit: number): Promise<AuditEventRow[]> {
  const { actorId, outcome, targetId, since, until, before } = filter;
  return db
    .select()
    .from(auditEvents)
    .where(
      and(
        actionIs(filter.action),
        actorId === undefined ? undefined : eq(auditEvents.actorId, actorId),
        outcome === undefined ? undefined : eq(auditEvents.outcome, outcome),
        targetId === undefined ? undefined : eq(auditEvents.targetId, targetId),
        since === undefined ? undefined : gte(auditEvents.at, since),
        until === undefined ? undefined : lt(auditEvents.at, until),
        before === undefined ? undefined : lt(auditEvents.seq, before),
      ),
    )
    .orderBy(desc(auditEvents.seq))
    .limit(limit + 1);
}

/** Up to `limit` events behind a place, in the chain's order. */
export async function eventsAfter(db: Db, seq: number, limit: number): Promise<ChainedEvent[]> {
  const rows = await db
    .select()
    .from(auditEvents)
    .where(gt(auditEvents.seq, seq))
    .orderBy(asc(auditEvents.seq))
    .limit(limit);
  return rows.map(chainedOf);
}

/** The newest event older than `before`. */
export async function lastEventBefore(db: Db, before: Date): Promise<ChainedEvent | undefined> {
  const [row] = await db
    .select()
    .from(auditEvents)
    .where(lt(auditEvents.at, before))
    .orderBy(desc(auditEvents.seq))
    .limit(1);
  return row && chainedOf(row);
}

/** Removes events up to a place; the table refuses it for any younger than a month. */
export async function pruneEvents(db: Db, through: number): Promise<number> {
  const gone = await db
    .delete(auditEvents)
    .where(lte(auditEvents.seq, through))
    .returning({ seq: auditEvents.seq });
  return gone.length;
}

/** The newest record of a pruning. */
export async function lastPruning(db: Db): Promise<AuditEventRow | undefined> {
  const [row] = await db
    .select()
    .from(auditEvents)
    .where(eq(auditEvents.action, "audit.pruned"))
    .orderBy(desc(auditEvents.seq))
    .limit(1);
  return row;
}
