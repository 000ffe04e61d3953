import type { EndpointMetricsRow, EndpointRow } from "../../db/schema.ts";
import type {
  EndpointFigures,
  ModelSignature,
  PoolStatus,
  TensorInfo,
} from "../../kernel/ports/model-pools.ts";
import { Timestamp, z } from "#http/contract";
import { limitsOf } from "./endpoints.schema.ts";

const Milliseconds = z.number().nullable().openapi({ description: "Milliseconds; null when no call ran." });

const Bucket = z.object({
  le: z.union([z.number(), z.literal("+Inf")]).openapi({ description: "Upper bound in milliseconds." }),
  count: z.number().int(),
});

const LIVE = {
  requests_refused: z.number().int().openapi({
    description: "Calls turned away with 429 because the endpoint was full; not in the other counts.",
  }),
  latency_avg: Milliseconds,
  rps: z.number().nullable().openapi({ description: "Calls a second over the last 60 seconds." }),
  error_rate: z.number().nullable().openapi({ description: "Errors / all calls, 0 to 1." }),
  uptime_secs: z.number().int(),
  latency_histogram: z.array(Bucket).openapi({ description: "Cumulative since the start." }),
  latency_sum: z.number().openapi({ description: "Milliseconds of all measured calls together." }),
};

const COUNTS = {
  requests_total: z.number().int(),
  requests_success: z.number().int(),
  requests_error: z.number().int().openapi({ description: "Invalid input, failed and timed-out calls." }),
  latency_p50: Milliseconds,
  latency_p95: Milliseconds,
  latency_p99: Milliseconds,
};

export const LiveFigures = z.object({ ...COUNTS, ...LIVE }).openapi("EndpointFigures");

/** A live snapshot (counted since the start) or a stored minute (counted within it). */
export const MetricsEntry = z
  .object({
    kind: z.enum(["live", "minute"]),
    timestamp: Timestamp.openapi({ description: "Now, or the beginning of the minute." }),
    ...COUNTS,
    ...z.object(LIVE).partial().shape,
  })
  .openapi("EndpointMetrics");
export type MetricsEntry = z.infer<typeof MetricsEntry>;

export const MetricsQuery = z.object({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(100)
    .openapi({ description: "Most stored minutes to return." }),
});

const Tensor = z.object({
  name: z.string(),
  type: z.string(),
  shape: z.array(z.union([z.number().int(), z.string(), z.null()])),
});

export const EndpointInfo = z
  .object({
    endpoint_id: z.uuid(),
    model_id: z.uuid(),
    version_id: z.uuid(),
    version: z.number().int(),
    loaded: z.boolean().openapi({
      description: "Whether the model is in memory; a running endpoint loads it again by itself.",
    }),
    has_weights: z.boolean(),
    model_info_loaded: z.boolean(),
    model_info_has_weights: z.boolean(),
    pool_load: z.number().int().nullable(),
    has_capacity: z.boolean(),
    pool_entry: z
      .object({
        endpoint_id: z.uuid(),
        model_id: z.uuid(),
        version_id: z.uuid(),
        replicas: z.number().int(),
        max_concurrent: z.number().int(),
        current_load: z.number().int(),
        idle_time_secs: z.number().int(),
      })
      .nullable(),
    metrics: LiveFigures.nullable(),
    architecture: z
      .object({
        input_size: z.number().int().nullable(),
        output_size: z.number().int().nullable(),
        layer_count: z.number().int().openapi({ description: "Operators with learned weights." }),
      })
      .nullable(),
    signature: z
      .object({
        task: z.string().nullable(),
        labels: z.array(z.string()).nullable(),
        features: z
          .array(z.object({ name: z.string(), kind: z.string(), categories: z.array(z.string()).optional() }))
          .nullable(),
        inputs: z.array(Tensor),
        outputs: z.array(Tensor),
      })
      .nullable(),
  })
  .openapi("EndpointInfo");
export type EndpointInfo = z.infer<typeof EndpointInfo>;

export const toLiveFigures = (figures: EndpointFigures): z.infer<typeof LiveFigures> => ({
  requests_total: figures.requestsSuccess + figures.requestsError,
  requests_success: figures.requestsSuccess,
  requests_error: figures.requestsError,
  requests_refused: figures.requestsRefused,
  latency_p50: figures.p50,
  latency_p95: figures.p95,
  latency_p99: figures.p99,
  latency_avg: figures.mean,
  rps: figures.rps,
  error_rate: figures.errorRate,
  uptime_secs: figures.uptimeSeconds,
  latency_histogram: figures.histogram.map(({ le, count }) => ({
    le: Number.isFinite(le) ? le : ("+Inf" as const),
    count,
  })),
  latency_sum: figures.sumMs,
});

export const toMinute = (row: EndpointMetricsRow): MetricsEntry => ({
  kind: "minute",
  timestamp: row.minute.toISOString(),
  requests_total: row.requestsSuccess + row.requestsError,
  requests_success: row.requestsSuccess,
  requests_error: row.requestsError,
  latency_p50: row.latencyP50,
  latency_p95: row.latencyP95,
  latency_p99: row.latencyP99,
});

/** Values a row has; `null` where the shape leaves it open. Scalars and lists of single values have one. */
const rowSize = (tensors: TensorInfo[]): number | null => {
  const sizes = tensors.map(({ shape }) =>
    shape
      .slice(1)
      .reduce<number | null>(
        (size, dim) => (size === null || typeof dim !== "number" ? null : size * dim),
        1,
      ),
  );
  return sizes.some((size) => size === null) ? null : sizes.reduce<number>((sum, size) => sum + size!, 0);
};

interface InfoParts {
  row: EndpointRow;
  modelId: string;
  version: number;
  figures: EndpointFigures | null;
  status: PoolStatus;
  signature: ModelSignature | null;
}

function poolEntry({ row, modelId, figures, status }: InfoParts): EndpointInfo["pool_entry"] {
  if (!figures) return null;
  return {
    endpoint_id: row.id,
    model_id: modelId,
    version_id: row.modelVersionId,
    replicas: row.replicas,
    max_concurrent: limitsOf(row).maxConcurrent,
    current_load: figures.inFlight,
    idle_time_secs: status.idleSeconds,
  };
}

export function toEndpointInfo(parts: InfoParts): EndpointInfo {
  const { row, modelId, version, figures, status, signature } = parts;
  const loaded = figures !== null && status.loaded;
  const hasWeights = loaded && signature !== null && signature.layerCount > 0;
  return {
    endpoint_id: row.id,
    model_id: modelId,
    version_id: row.modelVersionId,
    version,
    loaded,
    has_weights: hasWeights,
    model_info_loaded: loaded,
    model_info_has_weights: hasWeights,
    pool_load: figures?.inFlight ?? null,
    has_capacity: figures !== null && figures.inFlight < limitsOf(row).maxConcurrent,
    pool_entry: poolEntry(parts),
    metrics: figures && toLiveFigures(figures),
    architecture: signature && {
      input_size: rowSize(signature.inputs),
      output_size: rowSize(signature.outputs.slice(0, 1)),
      layer_count: signature.layerCount,
    },
    signature: signature && {
      task: signature.task,
      labels: signature.labels,
      features: signature.features,
      inputs: signature.inputs,
      outputs: signature.outputs,
    },
  };
}
