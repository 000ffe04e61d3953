import type { RunArtifactRow, RunRow } from "../../db/schema.ts";
import { allow, allowAgent, scopeOf } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { isForeignKeyViolation } from "../../kernel/postgres-error.ts";
import { sha256Hex } from "../../kernel/secret.ts";
import type { Upload } from "../../kernel/upload.ts";
import { isWorkPath } from "../../kernel/work-path.ts";
import { type StoredFile, storeFile } from "../files/index.ts";
import {
  findRunVersion,
  type ModelVersion,
  recognizeStored,
  registerRunFile,
  registerRunModel,
} from "../models/index.ts";
import * as repo from "./artifacts.repo.ts";
import { type Artifact, type ArtifactsQuery, type RegisterArtifact, toArtifact } from "./artifacts.schema.ts";
import { ownRun } from "./run-access.service.ts";
import * as errors from "./runs.errors.ts";
import { findHeldRun, findRun, wasStoppedAt } from "./runs.repo.ts";
import { isModelFile } from "./runs.schema.ts";

const MAX_ARTIFACTS = 10_000;
/** How long the agent of a stopped run may go on giving what its program left. */
const AFTER_STOP_MS = 15 * 60_000;

/** The run, if the caller may put files into it: its owner, the agent that holds it, or its own process. */
async function admitWriter(ctx: Ctx, runId: string): Promise<void> {
  if (ctx.actor.kind === "run") return void ownRun(ctx.actor, runId);
  const isThere =
    ctx.actor.kind === "agent"
      ? await mayLeave(ctx, allowAgent(ctx).id, runId)
      : await findRun(ctx.db, scopeOf(allow(ctx, "runs:write")), runId);
  if (!isThere) throw errors.runNotFound();
}

/** The agent that holds a run, or held it when it was stopped: what its program then leaves is still to come. */
async function mayLeave(ctx: Ctx, agentId: string, runId: string): Promise<boolean> {
  if (await findHeldRun(ctx.db, agentId, runId)) return true;
  return wasStoppedAt(ctx.db, agentId, runId, new Date(ctx.now.getTime() - AFTER_STOP_MS));
}

async function readable(ctx: Ctx, runId: string): Promise<RunRow> {
  const run = await findRun(ctx.db, scopeOf(allow(ctx, "runs:read")), runId);
  if (!run) throw errors.runNotFound();
  return run;
}

/**
 * Streams a file in under `path`, in the place of what was there. With `sha256` (hex) only exactly that file is taken,
 * so an upload that is repeated ends as one that was not.
 */
export async function putArtifact(
  ctx: Ctx,
  runId: string,
  path: string,
  { sha256, upload }: { sha256: string | undefined; upload: Upload },
): Promise<Artifact> {
  await admitWriter(ctx, runId);
  if (!isWorkPath(path)) throw errors.artifactPath();
  const isFull = (await repo.countArtifacts(ctx.db, runId)) >= MAX_ARTIFACTS;
  if (isFull && !(await repo.findArtifact(ctx.db, runId, path))) throw errors.tooManyArtifacts(MAX_ARTIFACTS);
  const { stored } = await upload.receive((file) => storeFile(ctx, `runs/${runId}`, file));
  if (sha256 !== undefined && sha256.toLowerCase() !== stored.sha256) throw errors.digestMismatch();
  try {
    const row = await repo.putArtifact(ctx.db, runId, path, stored, ctx.now);
    if (row) return toArtifact(row);
  } catch (error) {
    if (!isForeignKeyViolation(error)) throw error;
  }
  // Deleted while the file was under way.
  throw errors.runNotFound();
}

export async function listArtifacts(
  ctx: Ctx,
  runId: string,
  { prefix, limit, cursor }: ArtifactsQuery,
): Promise<{ items: Artifact[]; next?: string }> {
  await readable(ctx, runId);
  const rows = await repo.listArtifacts(ctx.db, runId, { prefix, after: cursor, limit });
  const items = rows.slice(0, limit).map(toArtifact);
  return { items, ...(rows.length > limit && { next: items[items.length - 1]!.path }) };
}

/** An artifact with where its file lies. */
export async function getArtifactFile(
  ctx: Ctx,
  runId: string,
  path: string,
): Promise<RunArtifactRow & { fileName: string }> {
  await readable(ctx, runId);
  const row = isWorkPath(path) ? await repo.findArtifact(ctx.db, runId, path) : undefined;
  if (!row) throw errors.artifactNotFound();
  return { ...row, fileName: nameOf(path) };
}

/** Makes an artifact a model version; the same file again, at once too, gives the same version. */
export async function registerArtifact(
  ctx: Ctx,
  runId: string,
  { path, model_name: modelName }: RegisterArtifact,
): Promise<ModelVersion> {
  allow(ctx, "models:write");
  const run = await readable(ctx, runId);
  const artifact = await repo.findArtifact(ctx.db, runId, path);
  if (!artifact) throw errors.artifactNotFound();
  if (!isModelFile(path) || !(await holdsModel(ctx, artifact))) throw errors.notAModel();
  const name = modelName ?? run.modelName;
  const id = await versionId([runId, path, artifact.sha256, name]);
  return registerRunFile(ctx, run, { id, modelName: name, file: await copyOf(ctx, artifact) });
}

/** Registers what a run was told to, once; `false` when it is not there. The caller has checked who holds the run. */
export async function registerOwnArtifact(ctx: Ctx, run: RunRow, path: string): Promise<boolean> {
  if (await findRunVersion(ctx, run.id)) return true;
  const artifact = await repo.findArtifact(ctx.db, run.id, path);
  if (!artifact || !(await holdsModel(ctx, artifact))) return false;
  await registerRunModel(ctx, run, await copyOf(ctx, artifact));
  return true;
}

/** Whether it is what its name says; where the store does not answer, that is taken on trust. */
async function holdsModel(ctx: Ctx, artifact: RunArtifactRow): Promise<boolean> {
  if (artifact.fileSize === 0) return false;
  const { format } = await recognizeStored(ctx, artifact);
  return format === null || format === "onnx" || format === "safetensors";
}

/** A version has a file of its own: the run and what it left may be deleted. */
async function copyOf(ctx: Ctx, { runId, path, blobKey, fileSize }: RunArtifactRow): Promise<StoredFile> {
  const body = await ctx.blobs.get(blobKey);
  if (!body) throw errors.artifactNotFound();
  return storeFile(ctx, `runs/${runId}`, { name: nameOf(path), body, size: fileSize });
}

const nameOf = (path: string): string => path.split("/").pop()!;

/** A UUID (version 8, RFC 9562) made of what it is for. */
async function versionId(parts: string[]): Promise<string> {
  const hex = await sha256Hex(JSON.stringify(parts));
  const variant = ((Number.parseInt(hex[16]!, 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join("-");
}
