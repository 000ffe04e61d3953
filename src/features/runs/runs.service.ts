import { allow, scopeOf, type UserActor } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { AppError } from "../../kernel/errors.ts";
import { type Page, type Paged, paged } from "../../kernel/page.ts";
import { type RunEnding, TERMINAL } from "../../kernel/ports/run-feeds.ts";
import type { RunStatus } from "../../db/schema.ts";
import { getDatasetFile } from "../datasets/index.ts";
import { getVersionById } from "../models/index.ts";
import type { Command } from "./command.schema.ts";
import * as errors from "./runs.errors.ts";
import * as repo from "./runs.repo.ts";
import { type CreateRun, type Run, type RunWithVersion, toRun } from "./runs.schema.ts";
import { TrainingConfig } from "./training-config.schema.ts";

export async function listRuns(ctx: Ctx, page: Page, status?: RunStatus): Promise<Paged<Run>> {
  const actor = allow(ctx, "runs:read");
  const { items, next } = paged(await repo.listRuns(ctx.db, scopeOf(actor), page, status), page.limit);
  return { items: items.map(toRun), ...(next && { next }) };
}

/** Queues a run for an agent, or opens one that the owner's own program reports to. */
export async function createRun(ctx: Ctx, input: CreateRun): Promise<Run> {
  const actor = allow(ctx, "runs:write");
  if (input.kind === "command") allow(ctx, "runs:command");
  const { dataset_id: datasetId, model_version_id: modelVersionId } = input;
  const executor = input.executor ?? (datasetId || input.command ? "agent" : "external");
  if (executor === "agent" && !input.command && !datasetId) throw errors.datasetMissing();
  const dataset = datasetId && (await ownDataset(ctx, datasetId));
  if (modelVersionId) await getVersionById(ctx, modelVersionId);
  for (const file of input.command?.files ?? []) await checkFile(ctx, file);
  const row = await repo.insertRun(ctx.db, {
    ...asked(input),
    ownerId: actor.id,
    executor,
    status: executor === "agent" ? "pending" : "running",
    // Not the database's clock: a run must not have started before it was made.
    createdAt: ctx.now,
    queuedAt: ctx.now,
    updatedAt: ctx.now,
    startedAt: executor === "agent" ? null : ctx.now,
    config: configOf(input, dataset ? dataset.targetColumn : null),
  });
  ctx.log("info", "runs.created", { run_id: row.id, executor, kind: row.kind });
  return toRun({ ...row, versionId: null, versionModelId: null, versionNumber: null });
}

const asked = (input: CreateRun) => ({
  name: input.name,
  modelType: input.model_type,
  modelName: input.model_name ?? input.name,
  kind: input.kind,
  command: input.command ? storedCommand(input.command) : null,
  labels: [...new Set(input.labels)].toSorted(),
  priority: input.priority,
  maxRetries: input.max_retries,
  timeoutSeconds: input.timeout_seconds ?? null,
  registerPath: input.register ?? null,
  datasetId: input.dataset_id ?? null,
  modelVersionId: input.model_version_id ?? null,
});

const storedCommand = ({ argv, script, interpreter, files, env }: Command) => ({
  ...(argv && { argv }),
  ...(script !== undefined && { script, interpreter: interpreter ?? "python3" }),
  files: files.map(({ dataset_id, model_version_id, as }) => ({
    ...(dataset_id !== undefined && { dataset_id }),
    ...(model_version_id !== undefined && { model_version_id }),
    as,
  })),
  env,
});

/** The trainer's settings with their defaults and the dataset's own target; a command's are its owner's. */
function configOf({ kind, config }: CreateRun, targetColumn: string | null): Record<string, unknown> {
  if (kind === "command") return config ?? {};
  const training = TrainingConfig.parse(config);
  const target = training.target ?? targetColumn;
  return target ? { ...training, target } : training;
}

async function checkFile(ctx: Ctx, file: Command["files"][number]): Promise<void> {
  if (file.dataset_id !== undefined) await ownDataset(ctx, file.dataset_id);
  if (file.model_version_id === undefined) return;
  try {
    await getVersionById(ctx, file.model_version_id);
  } catch (error) {
    if (error instanceof AppError && error.kind === "not_found") throw errors.versionUnknown();
    throw error;
  }
}

async function ownDataset(ctx: Ctx, datasetId: string) {
  try {
    return await getDatasetFile(ctx, datasetId);
  } catch (error) {
    // In a body an unknown id is a fault of the body, not of the address.
    if (error instanceof AppError && error.kind === "not_found") throw errors.datasetUnknown();
    throw error;
  }
}

export async function getRun(ctx: Ctx, id: string): Promise<Run> {
  return toRun(await findOwn(ctx, allow(ctx, "runs:read"), id));
}

async function findOwn(ctx: Ctx, actor: UserActor, id: string): Promise<RunWithVersion> {
  const row = await repo.findRun(ctx.db, scopeOf(actor), id);
  if (!row) throw errors.runNotFound();
  return row;
}

/** Stops a run that has not ended. Its agent learns of it with its next report and kills the process. */
export async function stopRun(ctx: Ctx, id: string): Promise<Run> {
  const actor = allow(ctx, "runs:write");
  await findOwn(ctx, actor, id);
  return end(ctx, actor, id, "stopped");
}

/** Ends a run that the owner's own program trains; repeating the same end is fine. */
export async function completeRun(ctx: Ctx, id: string, success: boolean): Promise<Run> {
  const actor = allow(ctx, "runs:write");
  const row = await findOwn(ctx, actor, id);
  if (row.executor === "agent") throw errors.runNotYours();
  return end(ctx, actor, id, success ? "completed" : "failed");
}

async function end(ctx: Ctx, actor: UserActor, id: string, status: RunEnding["status"]): Promise<Run> {
  const changed = await ctx.feeds.of(id).end({ status, at: ctx.now.getTime() });
  const row = await findOwn(ctx, actor, id);
  if (!changed && row.status !== status) throw errors.runFinished(row.status);
  if (changed) ctx.log("info", "runs.ended", { run_id: id, status });
  return toRun(row);
}

/** Deletes a run with its history and its artifacts. A model version it produced stays. */
export async function deleteRun(ctx: Ctx, id: string): Promise<void> {
  const actor = allow(ctx, "runs:write");
  const row = await findOwn(ctx, actor, id);
  const feed = ctx.feeds.of(id);
  if (!TERMINAL.has(row.status)) await feed.end({ status: "stopped", at: ctx.now.getTime() });
  if (!(await feed.remove())) throw errors.runNotFound();
}

// Longer than a lease: the run's own feed looks first, this is for feeds whose alarm was lost.
const SWEEP_GRACE_MS = 60_000;
const SWEEP_BATCH = 200;

/** Fails runs whose agent is gone and whose feed did not notice. */
export async function sweepLostRuns(ctx: Pick<Ctx, "db" | "feeds" | "now">): Promise<number> {
  const before = new Date(ctx.now.getTime() - SWEEP_GRACE_MS);
  const lost = await repo.findLostRuns(ctx.db, before, SWEEP_BATCH);
  const failed = await Promise.all(lost.map((id) => ctx.feeds.of(id).expireLease()));
  return failed.filter(Boolean).length;
}
