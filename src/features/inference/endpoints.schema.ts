import type { EndpointRow } from "../../db/schema.ts";
import type { PoolLimits } from "../../kernel/ports/model-pools.ts";
import { Timestamp, z } from "#http/contract";

const DEFAULTS = { batchRows: 1024, timeoutMs: 30_000, concurrentPerReplica: 64 };

export const SERVING_DEFAULTS = DEFAULTS;

/** Everything an endpoint can be told; an unknown key is refused, since it would have no effect. */
export const EndpointConfig = z
  .strictObject({
    batch_size: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .openapi({
        description: `Most rows that may share one run of the model (default ${DEFAULTS.batchRows}). 1 keeps every call to itself, as a model needs whose rows influence each other.`,
      }),
    timeout_ms: z
      .number()
      .int()
      .min(10)
      .max(60_000)
      .optional()
      .openapi({
        description: `How long a call may take (default ${DEFAULTS.timeoutMs}). A run under way cannot be cut short; its late answer is discarded.`,
      }),
    max_concurrent: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .openapi({
        description: `Calls that may be under way at once (default ${DEFAULTS.concurrentPerReplica} × replicas); more are refused with 429.`,
      }),
  })
  .openapi("EndpointConfig");
export type EndpointConfig = z.infer<typeof EndpointConfig>;

export const EndpointName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
    "must be 1 to 63 letters, digits, dots, dashes or underscores, beginning with a letter or digit",
  )
  .openapi({ description: "Unique over all owners; the last part of the predict address.", example: "iris" });
const Port = z.number().int().min(0).max(65_535).openapi({
  description: "Stored as given; nothing listens on it. Calls go to /api/inference/predict/{name}.",
});
const Replicas = z
  .number()
  .int()
  .min(1)
  .max(64)
  .openapi({
    description: `Scales how many calls may be under way: ${DEFAULTS.concurrentPerReplica} each, unless config.max_concurrent says otherwise.`,
  });

export const Endpoint = z
  .object({
    id: z.uuid(),
    user_id: z.uuid(),
    model_version_id: z.uuid(),
    name: z.string(),
    status: z.enum(["stopped", "starting", "running", "error"]),
    port: Port,
    replicas: Replicas,
    config: EndpointConfig.optional(),
    error_message: z.string().optional().openapi({ description: "Why the last start failed." }),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .openapi("Endpoint");
export type Endpoint = z.infer<typeof Endpoint>;

export const CreateEndpoint = z
  .object({
    model_version_id: z.uuid(),
    name: EndpointName,
    port: Port.default(8080),
    replicas: Replicas.default(1),
    config: EndpointConfig.nullish(),
  })
  .openapi("CreateEndpoint");
export type CreateEndpoint = z.infer<typeof CreateEndpoint>;

export const DeployVersion = z
  .object({
    name: EndpointName,
    port: Port.default(8080),
    replicas: Replicas.default(1),
    config: EndpointConfig.nullish(),
    start: z.boolean().default(false).openapi({
      description:
        "Start it at once; on a model that cannot be loaded this answers 422, and the endpoint stays in state `error`.",
    }),
  })
  .openapi("DeployVersion");
export type DeployVersion = z.infer<typeof DeployVersion>;

export const UpdateEndpoint = z
  .object({
    replicas: Replicas.optional(),
    config: EndpointConfig.nullish().openapi({
      description: "Replaces the whole configuration; null leaves it as it is.",
    }),
  })
  .openapi("UpdateEndpoint");
export type UpdateEndpoint = z.infer<typeof UpdateEndpoint>;

export const toEndpoint = (row: EndpointRow): Endpoint => ({
  id: row.id,
  user_id: row.ownerId,
  model_version_id: row.modelVersionId,
  name: row.name,
  status: row.status,
  port: row.port,
  replicas: row.replicas,
  ...(row.config && { config: row.config as EndpointConfig }),
  ...(row.errorMessage !== null && { error_message: row.errorMessage }),
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
});

/** What an endpoint's replicas and configuration come to. */
export function limitsOf({ replicas, config }: Pick<EndpointRow, "replicas" | "config">): PoolLimits {
  const { batch_size, timeout_ms, max_concurrent } = (config ?? {}) as EndpointConfig;
  return {
    maxConcurrent: max_concurrent ?? DEFAULTS.concurrentPerReplica * replicas,
    maxBatchRows: batch_size ?? DEFAULTS.batchRows,
    timeoutMs: timeout_ms ?? DEFAULTS.timeoutMs,
  };
}
