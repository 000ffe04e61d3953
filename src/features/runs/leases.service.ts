import type { DatasetRow, RunRow } from "../../db/schema.ts";
import { type AgentActor, allowAgent } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import type { RunEnding } from "../../kernel/ports/run-feeds.ts";
import type { Upload } from "../../kernel/upload.ts";
import { findDatasetOf } from "../datasets/index.ts";
import { storeFile } from "../files/index.ts";
import { findRunVersion, registerRunModel } from "../models/index.ts";
import type { ModelVersion } from "../models/index.ts";
import { type Claim, type Claimed, type Lease, type Report, toLease } from "./leases.schema.ts";
import * as errors from "./runs.errors.ts";
import * as repo from "./runs.repo.ts";

const leaseEnd = (ctx: Ctx) => new Date(ctx.now.getTime() + ctx.settings.leaseSeconds * 1000);

/**
 * An agent's heartbeat: stamps it, renews the leases of what it holds, tells it what it lost, and gives it work:
 * first what it lost track of, then the oldest waiting run.
 */
export async function claim(ctx: Ctx, input: Claim): Promise<Claimed> {
  const agent = allowAgent(ctx);
  const until = leaseEnd(ctx);
  const { capabilities, version, holding } = input;
  const held = await repo.renewLeases(ctx.db, { id: agent.id, capabilities, version }, ctx.now, until);
  const lost = holding.filter((id) => !held.some((run) => run.id === id));
  const forgotten = held.find((run) => !holding.includes(run.id));
  const lease = forgotten ? await resume(ctx, forgotten, until) : await next(ctx, agent, input, until);
  return { lease, lease_seconds: ctx.settings.leaseSeconds, lost };
}

async function resume(ctx: Ctx, run: RunRow, until: Date): Promise<Lease> {
  const entries = await ctx.feeds.of(run.id).sync();
  ctx.log("info", "runs.resumed", { run_id: run.id, agent_id: run.agentId });
  return toLease(run, until, { resumed: true, entries });
}

async function next(ctx: Ctx, agent: AgentActor, input: Claim, until: Date): Promise<Lease | null> {
  if (!input.accept || !input.capabilities.includes("train")) return null;
  const row = await repo.claimRun(ctx.db, agent.id, agent.shared ? null : agent.ownerId, ctx.now, until);
  if (!row) return null;
  const entries = await ctx.feeds.of(row.id).sync();
  ctx.log("info", "runs.claimed", { run_id: row.id, agent_id: agent.id });
  return toLease(row, until, { resumed: false, entries });
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

/** The agent's word on how the run ended; repeating it is fine. */
export async function report(ctx: Ctx, runId: string, input: Report): Promise<void> {
  const agent = allowAgent(ctx);
  if (!(await repo.findRunOfAgent(ctx.db, agent.id, runId))) throw errors.leaseLost();
  const ending: RunEnding = {
    status: input.success ? "completed" : "failed",
    at: ctx.now.getTime(),
    ...(input.result && { result: input.result }),
    ...(!input.success && { errorMessage: input.error ?? "The trainer failed without a word." }),
  };
  const ended = await ctx.feeds.of(runId).end(ending, agent.id);
  const row = await repo.findRunOfAgent(ctx.db, agent.id, runId);
  if (row?.status !== ending.status) throw errors.leaseLost();
  if (ended) ctx.log("info", "runs.ended", { run_id: runId, status: row.status });
}
