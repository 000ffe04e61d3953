import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { readTotals } from "./stats.repo.ts";
import type { AdminStats } from "./stats.schema.ts";

/** The totals of the whole deployment. */
export async function getStats(ctx: Ctx): Promise<AdminStats> {
  allow(ctx, "stats:read");
  const agentsSince = new Date(ctx.now.getTime() - ctx.settings.leaseSeconds * 1000);
  const totals = await readTotals(ctx.db, ctx.now, agentsSince);
  return {
    users_total: totals.usersTotal,
    users_suspended: totals.usersSuspended,
    users_pending: totals.usersPending,
    sessions_live: totals.sessionsLive,
    tokens_total: totals.tokensTotal,
    datasets_total: totals.datasetsTotal,
    runs_total: totals.runsTotal,
    runs_running: totals.runsRunning,
    models_total: totals.modelsTotal,
    model_versions_total: totals.modelVersionsTotal,
    endpoints_total: totals.endpointsTotal,
    endpoints_running: totals.endpointsRunning,
    agents_total: totals.agentsTotal,
    agents_connected: totals.agentsConnected,
    file_bytes: totals.fileBytes,
  };
}
