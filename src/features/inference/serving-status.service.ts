import type { Ctx } from "../../kernel/ctx.ts";
import type { PoolStatus } from "../../kernel/ports/model-pools.ts";
import { listRunning } from "./endpoints.repo.ts";
import { limitsOf, SERVING_DEFAULTS } from "./endpoints.schema.ts";
import type { CacheStatus, InferenceStatus, PoolsStatus } from "./serving-status.schema.ts";

interface Snapshot {
  at: number;
  running: number;
  capacity: number;
  /** `null` when there are too many pools to ask, or one did not answer. */
  pools: PoolStatus[] | null;
}

// Anybody may ask: what it costs is bounded by asking at most this many pools, this often.
const MAX_POOLS = 100;
const FRESH_MS = 5_000;

let latest: Snapshot | undefined;

async function askPools(ctx: Ctx, versionIds: string[]): Promise<PoolStatus[] | null> {
  if (versionIds.length > MAX_POOLS) return null;
  try {
    return await Promise.all(versionIds.map((id) => ctx.pools.of(id).status()));
  } catch (error) {
    ctx.log("warn", "inference.pools_unreachable", { error });
    return null;
  }
}

async function snapshot(ctx: Ctx): Promise<Snapshot> {
  const at = ctx.now.getTime();
  if (latest && at - latest.at < FRESH_MS) return latest;
  const rows = await listRunning(ctx.db);
  const versionIds = [...new Set(rows.map(({ modelVersionId }) => modelVersionId))];
  const capacity = rows.reduce((sum, row) => sum + limitsOf(row).maxConcurrent, 0);
  latest = { at, running: rows.length, capacity, pools: await askPools(ctx, versionIds) };
  return latest;
}

const total = (pools: PoolStatus[] | null, value: (pool: PoolStatus) => number): number | null =>
  pools && pools.reduce((sum, pool) => sum + value(pool), 0);

const ratio = (part: number | null, whole: number): number | null => {
  if (part === null) return null;
  return whole > 0 ? part / whole : 0;
};

function publicPort(publicUrl: string): number {
  const { port, protocol } = new URL(publicUrl);
  return port ? Number(port) : protocol === "https:" ? 443 : 80;
}

/** Serving as a whole, for anybody: sums only, at most five seconds old. */
export async function getInferenceStatus(ctx: Ctx): Promise<InferenceStatus> {
  const { running, capacity, pools } = await snapshot(ctx);
  const errors = total(pools, ({ requestsError }) => requestsError);
  const successes = total(pools, ({ requestsSuccess }) => requestsSuccess);
  const measured = total(pools, (pool) => pool.measured);
  return {
    port: publicPort(ctx.settings.publicUrl),
    batch_size: SERVING_DEFAULTS.batchRows,
    timeout_ms: SERVING_DEFAULTS.timeoutMs,
    max_queue_size: SERVING_DEFAULTS.concurrentPerReplica,
    models_loaded: total(pools, ({ loaded }) => Number(loaded)),
    pool_size: running,
    pool_utilization: ratio(
      total(pools, ({ inFlight }) => inFlight),
      capacity,
    ),
    total_requests: successes === null || errors === null ? null : successes + errors,
    total_errors: errors,
    avg_latency: measured ? total(pools, ({ sumMs }) => sumMs)! / measured : null,
  };
}

export async function getPoolsStatus(ctx: Ctx): Promise<PoolsStatus> {
  const { running, capacity, pools } = await snapshot(ctx);
  const load = total(pools, ({ inFlight }) => inFlight);
  return {
    pool_size: running,
    total_entries: running,
    total_load: load,
    total_capacity: capacity,
    utilization: ratio(load, capacity),
  };
}

/** There is no key-value store behind this deployment, and nothing that pretends to be one. */
export const getCacheStatus = (): CacheStatus => ({ kv_store: "not_configured", last_health_check: null });
