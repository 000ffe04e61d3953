import type { RunRow } from "../../db/schema.ts";
import { Timestamp, z } from "#http/contract";
import { Command, KINDS, Label, WorkPath } from "./command.schema.ts";
import { TrainingConfig } from "./training-config.schema.ts";

export const STATUSES = ["pending", "running", "completed", "failed", "stopped"] as const;

/** Files that can become a model version. */
export const isModelFile = (path: string): boolean => /\.(?:onnx|safetensors)$/i.test(path);

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
    kind: z.enum(KINDS).default("builtin:tabular").openapi({
      description:
        "`builtin:tabular` is the trainer that comes with Myelin; `command` runs what `command` says, and takes the permission `runs:command`.",
    }),
    command: Command.optional(),
    labels: z
      .array(Label)
      .max(20)
      .default([])
      .openapi({ description: "What the agent must have been started with, such as `gpu`." }),
    priority: z.number().int().min(-1000).max(1000).default(0).openapi({ description: "Higher goes first." }),
    max_retries: z
      .number()
      .int()
      .min(0)
      .max(10)
      .default(0)
      .openapi({ description: "Attempts after the first, after 2, 4, 8 … 300 seconds." }),
    timeout_seconds: z
      .number()
      .int()
      .min(1)
      .max(30 * 86_400)
      .optional()
      .openapi({ description: "How long one attempt may take." }),
    register: WorkPath.refine(isModelFile, "must end in .onnx or .safetensors").optional().openapi({
      description: "For a command: the artifact that becomes a model version when the run succeeds.",
      example: "model.onnx",
    }),
    config: z
      .union([TrainingConfig, z.record(z.string(), z.unknown())])
      .optional()
      .openapi({
        description: "Needed but for commands, which may keep here what they like.",
      }),
  })
  .superRefine((input, ctx) => {
    const fault = (path: string, message: string) => ctx.addIssue({ code: "custom", path: [path], message });
    const isCommand = input.kind === "command";
    if (isCommand && !input.command) fault("command", "is needed by a run of the kind command");
    if (!isCommand && input.command) fault("command", "is for runs of the kind command");
    if (!isCommand && input.register !== undefined) fault("register", "is for runs of the kind command");
    if (isCommand && input.executor === "external") fault("executor", "must be agent: a command needs one");
    if (isCommand) return;
    const { error } = TrainingConfig.safeParse(input.config);
    for (const { path, message } of error?.issues ?? [])
      ctx.addIssue({ code: "custom", path: ["config", ...path], message });
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
    kind: z.enum(KINDS),
    command: z
      .record(z.string(), z.unknown())
      .optional()
      .openapi({ description: "What a run of the kind `command` runs; left out of lists." }),
    labels: z.array(z.string()),
    priority: z.number().int(),
    attempt: z.number().int().openapi({ description: "From 1; of `max_retries` + 1." }),
    max_retries: z.number().int(),
    timeout_seconds: z.number().int().optional(),
    register: z.string().optional(),
    not_before: Timestamp.optional().openapi({ description: "When the next attempt may begin." }),
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
    error_message: z
      .string()
      .optional()
      .openapi({ description: "Why it failed; of a run that waits again, why its last attempt did." }),
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
  kind: row.kind,
  ...(row.command && { command: { ...row.command } }),
  labels: row.labels,
  priority: row.priority,
  attempt: row.attempt,
  max_retries: row.maxRetries,
  ...(row.timeoutSeconds !== null && { timeout_seconds: row.timeoutSeconds }),
  ...(row.registerPath !== null && { register: row.registerPath }),
  ...(row.status === "pending" && row.notBefore && { not_before: row.notBefore.toISOString() }),
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
