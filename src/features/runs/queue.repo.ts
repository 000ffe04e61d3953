import { and, eq, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { type RunRow, runs } from "#db/schema";
import type { Scope } from "../../kernel/actor.ts";
import type { QueuePosition } from "./queue.schema.ts";

export type QueuedRow = Pick<
  RunRow,
  "id" | "ownerId" | "name" | "kind" | "labels" | "priority" | "attempt" | "notBefore" | "createdAt"
> & { position: number };

/** Waiting runs in the order they go, one row more than asked for; places are counted over everybody's. */
export function listWaiting(
  db: Db,
  scope: Scope,
  limit: number,
  after: QueuePosition | undefined,
): Promise<QueuedRow[]> {
  const waiting = db
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
      position: sql<number>`(row_number() over (partition by ${runs.kind}, ${runs.labels}
        order by ${runs.priority} desc, ${runs.createdAt}, ${runs.id}))::int`.as("position"),
    })
    .from(runs)
    .where(and(eq(runs.status, "pending"), eq(runs.executor, "agent")))
    .as("waiting");
  const behind =
    after &&
    sql`(-${waiting.priority}, ${waiting.createdAt}, ${waiting.id})
      > (${-after.priority}::int, ${after.at}::timestamptz, ${after.id}::uuid)`;
  return db
    .select()
    .from(waiting)
    .where(and(scope === null ? undefined : eq(waiting.ownerId, scope), behind))
    .orderBy(sql`${waiting.priority} desc`, waiting.createdAt, waiting.id)
    .limit(limit + 1);
}
