import type { Ctx } from "../../kernel/ctx.ts";
import { countAgents } from "../agents/index.ts";
import { getInferenceStatus } from "../inference/index.ts";
import type { Health } from "./status.schema.ts";

const CHECK_MS = 3_000;
// Nothing is ever stored under it; asking for it proves that the store answers.
const PROBE_KEY = "health/probe";

type Check = Health["checks"]["database"];
type Pools = Pick<Health, "models_loaded" | "pool_size" | "pool_utilization">;

async function check(ctx: Ctx, name: string, probe: () => Promise<unknown>): Promise<Check> {
  const started = Date.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_MS} ms`)), CHECK_MS);
  });
  try {
    await Promise.race([probe(), late]);
    return { ok: true, latency_ms: Date.now() - started };
  } catch (error) {
    ctx.log("error", "health.check_failed", { check: name, error });
    return { ok: false, latency_ms: null };
  } finally {
    clearTimeout(timer);
  }
}

/** Asks each system this deployment stands on. Reads only; safe for anybody to call. */
export async function getHealth(ctx: Ctx): Promise<Health> {
  let agents: Health["agents"] = { total: null, connected: null };
  const since = new Date(ctx.now.getTime() - ctx.settings.leaseSeconds * 1000);
  let pools: Pools = { models_loaded: null, pool_size: null, pool_utilization: null };
  const [database, storage, inference] = await Promise.all([
    check(ctx, "database", async () => {
      agents = await countAgents(ctx.db, since);
    }),
    check(ctx, "storage", () => ctx.blobs.head(PROBE_KEY)),
    check(ctx, "pools", async () => {
      const { models_loaded, pool_size, pool_utilization } = await getInferenceStatus(ctx);
      pools = { models_loaded, pool_size, pool_utilization };
    }),
  ]);
  const healthy = database.ok && storage.ok;
  return {
    status: healthy ? "healthy" : "unhealthy",
    database: database.ok,
    checks: { database, storage },
    inference: inference.ok && pools.models_loaded !== null,
    ...pools,
    agents,
    last_check: ctx.now.toISOString(),
  };
}
