import { and, eq, gt, isNull, or, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import {
  agents,
  apiTokens,
  datasets,
  endpoints,
  models,
  modelVersions,
  runs,
  sessions,
  users,
} from "#db/schema";

const isLiveToken = (now: Date) =>
  and(isNull(apiTokens.revokedAt), or(isNull(apiTokens.expiresAt), gt(apiTokens.expiresAt, now)));

const isLiveSession = (now: Date) =>
  and(isNull(sessions.endedAt), gt(sessions.expiresAt, now), gt(sessions.maxExpiresAt, now));

/** Totals over all owners at one moment. */
export async function readTotals(db: Db, now: Date, agentsSince: Date) {
  const [[total]] = await db.batch([
    db
      .select({
        usersTotal: db.$count(users),
        usersSuspended: db.$count(users, sql`${users.suspendedAt} is not null`),
        usersPending: db.$count(users, and(isNull(users.approvedAt), isNull(users.suspendedAt))),
        sessionsLive: db.$count(sessions, isLiveSession(now)),
        tokensTotal: db.$count(apiTokens, isLiveToken(now)),
        datasetsTotal: db.$count(datasets),
        runsTotal: db.$count(runs),
        runsRunning: db.$count(runs, eq(runs.status, "running")),
        modelsTotal: db.$count(models),
        modelVersionsTotal: db.$count(modelVersions),
        endpointsTotal: db.$count(endpoints),
        endpointsRunning: db.$count(endpoints, eq(endpoints.status, "running")),
        agentsTotal: db.$count(agents),
        agentsConnected: db.$count(agents, gt(agents.lastSeenAt, agentsSince)),
        fileBytes: sql<number>`(select coalesce(sum(file_size), 0)::float8 from (select file_size from ${datasets} union all select file_size from ${modelVersions}) files)`,
      })
      .from(sql`(values (1)) one`),
  ]);
  return total!;
}
