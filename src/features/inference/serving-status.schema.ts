import { z } from "#http/contract";

const Count = z.number().int();
const Unknown = "null when not every pool could be asked.";
const MaybeCount = Count.nullable().openapi({ description: Unknown });

export const InferenceStatus = z
  .object({
    port: Count.openapi({
      description: "The port of this deployment's public address, where predictions are served too.",
    }),
    batch_size: Count.openapi({
      description: "Most rows that share one run, unless an endpoint says otherwise.",
    }),
    timeout_ms: Count.openapi({
      description: "How long a call may take, unless an endpoint says otherwise.",
    }),
    max_queue_size: Count.openapi({
      description: "Calls under way per replica, unless an endpoint says otherwise.",
    }),
    models_loaded: MaybeCount.openapi({ description: `Models in memory; ${Unknown}` }),
    pool_size: Count.openapi({ description: "Running endpoints." }),
    pool_utilization: z
      .number()
      .nullable()
      .openapi({ description: `Calls under way / calls that may be; ${Unknown}` }),
    total_requests: MaybeCount.openapi({
      description: `Calls of the running endpoints since their last start; ${Unknown}`,
    }),
    total_errors: MaybeCount,
    avg_latency: z
      .number()
      .nullable()
      .openapi({ description: "Milliseconds, mean over all measured calls; null without any." }),
  })
  .openapi("InferenceStatus");
export type InferenceStatus = z.infer<typeof InferenceStatus>;

export const PoolsStatus = z
  .object({
    pool_size: Count.openapi({ description: "Running endpoints." }),
    total_entries: Count,
    total_load: MaybeCount.openapi({ description: `Calls under way; ${Unknown}` }),
    total_capacity: Count.openapi({ description: "Calls that may be under way at once." }),
    utilization: z
      .number()
      .nullable()
      .openapi({ description: `total_load / total_capacity; ${Unknown}` }),
  })
  .openapi("PoolStatus");
export type PoolsStatus = z.infer<typeof PoolsStatus>;

export const CacheStatus = z
  .object({
    kv_store: z
      .enum(["not_configured"])
      .openapi({ description: "This deployment keeps no key-value store." }),
    last_health_check: z.null().openapi({ description: "Health is probed on request and not recorded." }),
  })
  .openapi("CacheStatus");
export type CacheStatus = z.infer<typeof CacheStatus>;
