import { sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { agents, endpoints, runs, users } from "#db/schema";

/** How many there are of what the database keeps. */
export interface Stock {
  users: number;
  agents: number;
  agents_connected: number;
  queued: number;
  /** By status; a status nothing has is not in it. */
  runs: Record<string, number>;
  endpoints: Record<string, number>;
}

/** Counted in one statement; agents heard of since `since` count as connected. */
export async function countStock(db: Db, since: Date): Promise<Stock> {
  const byStatus = (table: typeof runs | typeof endpoints) => sql`
    (select coalesce(json_object_agg(status, n), '{}'::json)
     from (select ${table.status} as status, count(*)::int as n from ${table} group by 1) as counted)`;
  const { rows } = await db.execute<Stock & Record<string, unknown>>(sql`
    select
      (select count(*)::int from ${users}) as users,
      (select count(*)::int from ${agents}) as agents,
      (select count(*)::int from ${agents} where ${agents.lastSeenAt} > ${since.toISOString()}) as agents_connected,
      (select count(*)::int from ${runs} where ${runs.status} = 'pending' and ${runs.executor} = 'agent') as queued,
      ${byStatus(runs)} as runs,
      ${byStatus(endpoints)} as endpoints`);
  return rows[0]!;
}
