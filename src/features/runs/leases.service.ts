import type { DatasetRow, RunKind, RunRow } from "../../db/schema.ts";
import { type AgentActor, allowAgent, permissionsOf } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import type { RunEnding } from "../../kernel/ports/run-feeds.ts";
import type { Upload } from "../../kernel/upload.ts";
import { findStanding } from "../accounts/index.ts";
import { mayWork } from "../agents/index.ts";
import { findDatasetOf } from "../datasets/index.ts";
import { type StoredFile, storeFile } from "../files/index.ts";
import { findRunVersion, findVersionOf, type ModelVersion, registerRunModel } from "../models/index.ts";
import { registerOwnArtifact } from "./artifacts.service.ts";
import { KINDS } from "./command.schema.ts";
import { type Claim, type Claimed, type Lease, type Report, toLease } from "./leases.schema.ts";
import { newRunToken } from "./run-access.service.ts";
import * as errors from "./runs.errors.ts";
import { NEEDS } from "./queue-reason.ts";
import * as repo from "./runs.repo.ts";

const leaseEnd = (ctx: Ctx) => new Date(ctx.now.getTime() + ctx.settings.leaseSeconds * 1000);

const kindsFor = (capabilities: string[]): RunKind[] =>
  KINDS.filter((kind) => capabilities.includes(NEEDS[kind]));

/**
 * An agent's heartbeat: stamps it, renews the leases of what it holds, tells it what it lost, and gives it work:
 * first what it lost track of, then the run that is next.
 */
export async function claim(ctx: Ctx, input: Claim): Promise<Claimed> {
  const agent = allowAgent(ctx);
  if (input.instance !== undefined && !(await mayWork(ctx, agent.id, input.instance)))
    throw errors.agentOccupied();
  const until = leaseEnd(ctx);
  const { capabilities, version, holding, labels, concurrency = null } = input;
  const said = { id: agent.id, capabilities, version, labels, concurrency };
  const held = await repo.renewLeases(ctx.db, said, ctx.now, until);
  const lost = holding.filter((id) => !held.includes(id));
  const forgotten = held.find((id) => !holding.includes(id));
  const run = forgotten === undefined ? undefined : await repo.findHeldRun(ctx.db, agent.id, forgotten);
  const lease = run ? await resume(ctx, run, until) : await next(ctx, agent, input, until);
  return { lease, lease_seconds: ctx.settings.leaseSeconds, lost };
}

async function resume(ctx: Ctx, run: RunRow, until: Date): Promise<Lease> {
  const { token, tokenHash } = await newRunToken();
  if (run.kind === "command") await repo.setRunToken(ctx.db, run.agentId!, run.id, tokenHash);
  const entries = await ctx.feeds.of(run.id).sync();
  ctx.log("info", "runs.resumed", { run_id: run.id, agent_id: run.agentId });
  return toLease(run, { expiresAt: until, token, resumed: true, entries });
}

async function next(ctx: Ctx, agent: AgentActor, input: Claim, until: Date): Promise<Lease | null> {
  const kinds = kindsFor(input.capabilities);
  if (!input.accept || kinds.length === 0) return null;
  const { token, tokenHash } = await newRunToken();
  const whose = { agentId: agent.id, ownerId: agent.ownerId, isShared: agent.shared };
  const taker = { ...whose, kinds, labels: input.labels, tokenHash };
  const row = await repo.claimRun(ctx.db, taker, ctx.now, until);
  if (!row) return null;
  if (row.kind === "command" && !(await mayCommand(ctx, row.ownerId))) return refuseCommand(ctx, row.id);
  const entries = await ctx.feeds.of(row.id).sync();
  ctx.log("info", "runs.claimed", { run_id: row.id, agent_id: agent.id, attempt: row.attempt });
  return toLease(row, { expiresAt: until, token, resumed: false, entries });
}

/** Asked again when it is to run: much may have changed since it was queued. */
async function mayCommand(ctx: Ctx, ownerId: string): Promise<boolean> {
  const owner = await findStanding(ctx.db, ownerId);
  return owner !== undefined && permissionsOf(owner).has("runs:command");
}

async function refuseCommand(ctx: Ctx, runId: string): Promise<null> {
  const errorMessage = "The owner of this run may run no commands any more.";
  await ctx.feeds.of(runId).end({ status: "failed", at: ctx.now.getTime(), errorMessage });
  return null;
}

async function heldRun(ctx: Ctx, runId: string): Promise<RunRow> {
  const agent = allowAgent(ctx);
  const row = await repo.findHeldRun(ctx.db, agent.id, runId);
  if (!row) throw errors.leaseLost();
  return row;
}

/** The file of the dataset the run trains on. */
export async function getLeaseDataset(ctx: Ctx, runId: string): Promise<DatasetRow> {
  const run = await heldRun(ctx, runId);
  const dataset = run.datasetId && (await findDatasetOf(ctx, run.ownerId, run.datasetId));
  if (!dataset) throw errors.datasetGone();
  return dataset;
}

/** A file that the run's command asked for, by the place it wanted it at. */
export async function getLeaseFile(ctx: Ctx, runId: string, as: string): Promise<StoredFile> {
  const run = await heldRun(ctx, runId);
  const file = run.command?.files.find((one) => one.as === as);
  if (!file) throw errors.fileUnknown();
  const found =
    file.dataset_id === undefined
      ? await findVersionOf(ctx, run.ownerId, file.model_version_id!)
      : await findDatasetOf(ctx, run.ownerId, file.dataset_id);
  if (!found) throw errors.fileGone(as);
  return found;
}

/** Registers the trained model as a version of the owner's; sent twice it is registered once. */
export async function uploadResult(
  ctx: Ctx,
  runId: string,
  metrics: string | undefined,
  upload: Upload,
): Promise<ModelVersion> {
  const run = await heldRun(ctx, runId);
  const before = await findRunVersion(ctx, runId);
  if (before) return before;
  const { stored } = await upload.receive((file) => storeFile(ctx, `runs/${runId}`, file));
  return registerRunModel(ctx, run, stored, metrics);
}

/**
 * The agent's word on how the attempt went; repeating it is fine. A run that was to register an artifact does so before
 * it succeeds, and fails where there is none.
 */
export async function report(ctx: Ctx, runId: string, input: Report): Promise<void> {
  const agent = allowAgent(ctx);
  const run = await repo.findRunOfAgent(ctx.db, agent.id, runId);
  if (!run) throw errors.leaseLost();
  const ending = endingOf(ctx, input.success ? await lackOf(ctx, run, input) : input);
  const ended = await ctx.feeds.of(runId).end(ending, agent.id);
  if (ended) return ctx.log("info", "runs.attempt_ended", { run_id: runId, status: ending.status });
  const row = await repo.findRunOfAgent(ctx.db, agent.id, runId);
  if (row?.status !== ending.status) throw errors.leaseLost();
}

/** The report as it is, or one of failure when the artifact to be registered is not there. */
async function lackOf(ctx: Ctx, run: RunRow, input: Report): Promise<Report> {
  if (run.registerPath === null || run.status !== "running") return input;
  if (await registerOwnArtifact(ctx, run, run.registerPath)) return input;
  return {
    success: false,
    retry: true,
    error: `The run left no ${run.registerPath} to register, or one that is no model.`,
  };
}

const endingOf = (ctx: Ctx, { success, retry, result, error }: Report): RunEnding => ({
  status: success ? "completed" : "failed",
  at: ctx.now.getTime(),
  ...(result && { result }),
  ...(!success && { errorMessage: error ?? "The trainer failed without a word.", mayRetry: retry }),
});
