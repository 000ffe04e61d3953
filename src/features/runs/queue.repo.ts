import { and, eq, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { type RunRow, runs } from "#db/schema";
import type { Scope } from "../../kernel/actor.ts";
import type { QueuePosition } from "./queue.schema.ts";
import { isWaiting } from "./runs.repo.ts";

export type QueuedRow = Pick<
  RunRow,
  | "id"
  | "ownerId"
  | "name"
  | "kind"
  | "labels"
  | "priority"
  | "attempt"
  | "notBefore"
  | "createdAt"
  | "queuedAt"
> & {
  /** From 1, among the owner's own runs of the same kind and labels. */
  turn: number;
  /** The same among everybody's, where turns go by age: see `claimRun`. */
  sharedTurn: number;
};

/** Waiting runs in the order they go, one row more than asked for. Those that back off are counted by themselves. */
export function listWaiting(
  db: Db,
  scope: Scope,
  limit: number,
  after: QueuePosition | undefined,
  now: Date,
): Promise<QueuedRow[]> {
  const alike = sql`${runs.kind}, ${runs.labels}, coalesce(${runs.notBefore} > ${now}, false)`;
  const byAge = sql`least(${runs.priority}, 0) desc, ${runs.queuedAt}, ${runs.id}`;
  const placed = db
    .select({
      id: runs.id,
      ownerId: runs.ownerId,
      name: runs.name,
      kind: runs.kind,
      labels: runs.labels,
      priority: runs.priority,
      attempt: runs.attempt,
      notBefore: runs.notBefore,
      createdAt: runs.createdAt,
      queuedAt: runs.queuedAt,
      backsOff: sql<boolean>`coalesce(${runs.notBefore} > ${now}, false)`.as("backs_off"),
      turn: sql<number>`(row_number() over (partition by ${alike}, ${runs.ownerId}
        order by ${runs.priority} desc, ${runs.queuedAt}, ${runs.id}))::int`.as("turn"),
      slot: sql<number>`(row_number() over (partition by ${alike} order by ${byAge}))::int`.as("slot"),
    })
    .from(runs)
    .where(isWaiting)
    .as("placed");
  // An owner's most urgent run goes when the oldest one's turn has come, the next when the next one's has.
  const waiting = db
    .select({
      id: placed.id,
      ownerId: placed.ownerId,
      name: placed.name,
      kind: placed.kind,
      labels: placed.labels,
      priority: placed.priority,
      attempt: placed.attempt,
      notBefore: placed.notBefore,
      createdAt: placed.createdAt,
      queuedAt: placed.queuedAt,
      turn: placed.turn,
      sharedTurn: sql<number>`nth_value(${placed.slot}, ${placed.turn}) over (
        partition by ${placed.kind}, ${placed.labels}, ${placed.backsOff}, ${placed.ownerId} order by ${placed.slot}
        rows between unbounded preceding and unbounded following)`.as("shared_turn"),
    })
    .from(placed)
    .as("waiting");
  const behind =
    after &&
    sql`(-${waiting.priority}, ${waiting.queuedAt}, ${waiting.id})
      > (${-after.priority}::int, ${after.at}::timestamptz, ${after.id}::uuid)`;
  return db
    .select()
    .from(waiting)
    .where(and(scope === null ? undefined : eq(waiting.ownerId, scope), behind))
    .orderBy(sql`${waiting.priority} desc`, waiting.queuedAt, waiting.id)
    .limit(limit + 1);
}
