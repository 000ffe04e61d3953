import type { RunRow } from "../../db/schema.ts";
import { Timestamp, z } from "#http/contract";

export const STATUSES = ["pending", "running", "completed", "failed", "stopped"] as const;

/** Hyper-parameters. The trainer's are named; anything else is kept and given back as it came. */
export const TrainingConfig = z
  .looseObject({
    epochs: z.number().int().min(1).max(10_000),
    batch_size: z.number().int().min(1).max(1_000_000),
    learning_rate: z.number().positive().max(1000),
    optimizer: z.enum(["adam", "sgd"]).default("adam"),
    hidden: z
      .array(z.number().int().min(1).max(4096))
      .max(8)
      .default([])
      .openapi({ description: "Units per layer." }),
    seed: z
      .number()
      .int()
      .min(0)
      .max(2 ** 32 - 1)
      .default(0),
    test_fraction: z.number().gt(0).lt(0.9).default(0.2),
    target: z.string().min(1).max(500).optional().openapi({ description: "Column to predict." }),
    task: z.enum(["classification", "regression"]).optional(),
  })
  .openapi("TrainingConfig");

export const CreateRun = z
  .object({
    name: z.string().trim().min(1).max(200),
    model_type: z.string().trim().min(1).max(100),
    dataset_id: z.uuid().optional(),
    model_version_id: z.uuid().optional().openapi({ description: "Version training starts from." }),
    model_name: z
      .string()
      .trim()
      .min(1)
      .max(200)
      .optional()
      .openapi({ description: "Model the result is registered under; the run's name when absent." }),
    executor: z.enum(["agent", "external"]).optional().openapi({
      description:
        "`agent` queues it for a machine that dials in (default with a dataset); `external` means your own program trains and reports.",
    }),
    config: TrainingConfig,
  })
  .openapi("CreateRun");
export type CreateRun = z.infer<typeof CreateRun>;

const Named = z.union([z.number(), z.enum(["NaN", "Infinity", "-Infinity"])]);

export const MetricPointBody = z
  .object({
    epoch: z.number().int().min(0),
    step: z.number().int().min(0),
    loss: Named.optional(),
    accuracy: Named.optional(),
    lr: Named.optional(),
    gpu_util: Named.optional(),
    memory_mb: Named.optional(),
    custom: z.record(z.string(), Named).optional(),
    timestamp: Timestamp.optional(),
  })
  .openapi("MetricPointBody");

export const MetricPointOut = MetricPointBody.extend({
  seq: z.number().int().openapi({ description: "Place in the run's one sequence of points and log lines." }),
  custom: z.record(z.string(), Named),
  timestamp: Timestamp,
}).openapi("MetricPoint");

export const Run = z
  .object({
    id: z.uuid(),
    user_id: z.uuid(),
    name: z.string(),
    model_type: z.string(),
    status: z.enum(STATUSES),
    executor: z.enum(["agent", "external"]),
    config: z.record(z.string(), z.unknown()),
    dataset_id: z.uuid().optional(),
    model_version_id: z.uuid().optional(),
    model_name: z.string(),
    agent_id: z.uuid().optional(),
    latest_metrics: z.record(z.string(), z.unknown()).optional().openapi({
      description:
        "The point with the highest step. About a second behind while the run goes on, exact once it has ended.",
    }),
    result: z
      .record(z.string(), z.unknown())
      .optional()
      .openapi({ description: "What the trainer said at the end." }),
    registered_version: z
      .object({ id: z.uuid(), model_id: z.uuid(), version: z.number().int() })
      .optional()
      .openapi({ description: "The model version this run produced." }),
    error_message: z.string().optional(),
    created_at: Timestamp,
    started_at: Timestamp.optional(),
    completed_at: Timestamp.optional(),
  })
  .openapi("Run");
export type Run = z.infer<typeof Run>;

/** A run's row with the version it produced, if it did. */
export interface RunWithVersion extends RunRow {
  versionId: string | null;
  versionModelId: string | null;
  versionNumber: number | null;
}

export const toRun = (row: RunWithVersion): Run => ({
  id: row.id,
  user_id: row.ownerId,
  name: row.name,
  model_type: row.modelType,
  status: row.status,
  executor: row.executor,
  config: row.config,
  ...(row.datasetId && { dataset_id: row.datasetId }),
  ...(row.modelVersionId && { model_version_id: row.modelVersionId }),
  model_name: row.modelName,
  ...(row.agentId && { agent_id: row.agentId }),
  ...(row.latestMetrics && { latest_metrics: row.latestMetrics }),
  ...(row.result && { result: row.result }),
  ...(row.versionId && {
    registered_version: { id: row.versionId, model_id: row.versionModelId!, version: row.versionNumber! },
  }),
  ...(row.errorMessage !== null && { error_message: row.errorMessage }),
  created_at: row.createdAt.toISOString(),
  ...(row.startedAt && { started_at: row.startedAt.toISOString() }),
  ...(row.completedAt && { completed_at: row.completedAt.toISOString() }),
});
