import { Timestamp, z } from "#http/contract";

const Check = z.object({ ok: z.boolean(), latency_ms: z.number().nullable() });

export const Health = z
  .object({
    status: z.enum(["healthy", "unhealthy"]),
    database: z.boolean(),
    checks: z.object({ database: Check, storage: Check }),
    inference: z.boolean().openapi({ description: "Whether the model pools could be asked." }),
    models_loaded: z.number().int().nullable(),
    pool_size: z.number().int().nullable().openapi({ description: "Endpoints that run." }),
    pool_utilization: z.number().nullable(),
    agents: z.object({ total: z.number().int().nullable(), connected: z.number().int().nullable() }),
    last_check: Timestamp,
  })
  .openapi("Health");
export type Health = z.infer<typeof Health>;
