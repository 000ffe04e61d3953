import { desc, eq, inArray, lt, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { endpointMetrics, type EndpointMetricsRow, endpoints } from "#db/schema";
import type { MinuteFigures } from "../../kernel/ports/model-pools.ts";

/** The endpoint's minutes with traffic, newest first. */
export function listMinutes(db: Db, endpointId: string, limit: number): Promise<EndpointMetricsRow[]> {
  return db
    .select()
    .from(endpointMetrics)
    .where(eq(endpointMetrics.endpointId, endpointId))
    .orderBy(desc(endpointMetrics.minute))
    .limit(limit);
}

/** Writes minutes, over what is there of them; those of endpoints deleted meanwhile are dropped. */
export async function upsertMinutes(db: Db, rows: MinuteFigures[]): Promise<void> {
  const ids = [...new Set(rows.map(({ endpointId }) => endpointId))];
  const present = await db.select({ id: endpoints.id }).from(endpoints).where(inArray(endpoints.id, ids));
  const known = new Set(present.map(({ id }) => id));
  const values = rows
    .filter(({ endpointId }) => known.has(endpointId))
    .map((row) => ({
      endpointId: row.endpointId,
      minute: new Date(row.minute),
      requestsSuccess: row.requestsSuccess,
      requestsError: row.requestsError,
      latencyP50: row.p50,
      latencyP95: row.p95,
      latencyP99: row.p99,
    }));
  if (values.length === 0) return;
  await db
    .insert(endpointMetrics)
    .values(values)
    .onConflictDoUpdate({
      target: [endpointMetrics.endpointId, endpointMetrics.minute],
      set: {
        requestsSuccess: sql`excluded.requests_success`,
        requestsError: sql`excluded.requests_error`,
        latencyP50: sql`excluded.latency_p50_ms`,
        latencyP95: sql`excluded.latency_p95_ms`,
        latencyP99: sql`excluded.latency_p99_ms`,
      },
    });
}

/** Tells how many it deleted. */
export async function deleteMinutesBefore(db: Db, before: Date): Promise<number> {
  const { rowCount } = await db.delete(endpointMetrics).where(lt(endpointMetrics.minute, before));
  return rowCount;
}
