import type { CheckpointRow } from "../../db/schema.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { isNestedDeeper, MAX_NESTING } from "../../kernel/nesting.ts";
import { isId, type Page, type Paged, paged } from "../../kernel/page.ts";
import { isForeignKeyViolation } from "../../kernel/postgres-error.ts";
import type { Upload } from "../../kernel/upload.ts";
import { type StoredFile, storeFile } from "../files/index.ts";
import { uploadVersion } from "../models/index.ts";
import * as repo from "./checkpoints.repo.ts";
import type { CheckpointJson, CheckpointMeta, UploadVersion, UploadedVersion } from "./checkpoints.schema.ts";
import * as errors from "./notebooks.errors.ts";
import { type Checkpoint, toCheckpoint } from "./notebooks.schema.ts";
import { findOwn } from "./notebooks.service.ts";

/** Newest first. */
export async function listCheckpoints(ctx: Ctx, notebookId: string, page: Page): Promise<Paged<Checkpoint>> {
  await findOwn(ctx, "notebooks:read", notebookId);
  const { items, next } = paged(await repo.listCheckpoints(ctx.db, notebookId, page), page.limit);
  return { items: items.map(toCheckpoint), ...(next && { next }) };
}

function parseMetrics(text: string | undefined): unknown {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (!isNestedDeeper(value, MAX_NESTING)) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw errors.metricsUnreadable();
}

// As `JSON.stringify` writes U+0000 and halves of a pair, after no or an even number of backslashes.
const UNSEARCHABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;

/** Postgres keeps such texts as JSON but fails to look into it, and with it the search for the best of all. */
function searchable(metrics: unknown, place: "query" | "body"): unknown {
  if (UNSEARCHABLE.test(JSON.stringify(metrics))) throw errors.metricsUnsearchable(place);
  return metrics;
}

const prefixOf = (notebookId: string) => `notebooks/${notebookId}`;

async function add(ctx: Ctx, input: repo.NewCheckpoint): Promise<Checkpoint> {
  if (input.model.fileSize === 0 || input.optimizer?.fileSize === 0) throw errors.stateEmpty();
  try {
    const row = await repo.insertCheckpoint(ctx.db, input);
    ctx.log("info", "notebooks.checkpoint", { notebook_id: input.notebookId, checkpoint_id: row.id });
    return toCheckpoint(row);
  } catch (error) {
    // The notebook went while the file came; that is the sweep's now.
    if (isForeignKeyViolation(error)) throw errors.notebookNotFound();
    throw error;
  }
}

/** Streams a model's state in. */
export async function uploadCheckpoint(
  ctx: Ctx,
  notebookId: string,
  meta: CheckpointMeta,
  upload: Upload,
): Promise<Checkpoint> {
  await findOwn(ctx, "notebooks:write", notebookId);
  const metrics = searchable(parseMetrics(meta.metrics) ?? {}, "query");
  const { stored: model } = await upload.receive((file) => storeFile(ctx, prefixOf(notebookId), file));
  return add(ctx, { notebookId, epoch: meta.epoch, step: meta.step, metrics, model });
}

/** Adds the optimizer's state to a checkpoint that has none. */
export async function uploadOptimizer(
  ctx: Ctx,
  notebookId: string,
  id: string,
  upload: Upload,
): Promise<Checkpoint> {
  const row = await findCheckpoint(ctx, "notebooks:write", notebookId, id);
  if (row.optimizerBlobKey !== null) throw errors.optimizerThere();
  const { stored } = await upload.receive((file) => storeFile(ctx, prefixOf(notebookId), file));
  if (stored.fileSize === 0) throw errors.stateEmpty();
  const changed = await repo.addOptimizer(ctx.db, notebookId, id, stored);
  if (!changed) throw errors.optimizerThere();
  return toCheckpoint(changed);
}

function bytesOf(base64: string, path: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(base64, { lastChunkHandling: "strict" });
  } catch (error) {
    if (error instanceof SyntaxError) throw errors.stateNotBase64(path);
    throw error;
  }
}

const store = (ctx: Ctx, notebookId: string, bytes: Uint8Array<ArrayBuffer>): Promise<StoredFile> =>
  storeFile(ctx, prefixOf(notebookId), {
    name: "state.bin",
    body: new Blob([bytes]).stream(),
    size: bytes.length,
  });

/** Takes small states from the JSON body itself. Both are read before either is kept. */
export async function saveCheckpoint(
  ctx: Ctx,
  notebookId: string,
  input: CheckpointJson,
): Promise<Checkpoint> {
  await findOwn(ctx, "notebooks:write", notebookId);
  const { epoch, step } = input;
  const metrics = searchable(input.metrics ?? {}, "body");
  const modelBytes = bytesOf(input.model_state_base64, "model_state_base64");
  const optimizerBytes =
    input.optimizer_state_base64 == null
      ? undefined
      : bytesOf(input.optimizer_state_base64, "optimizer_state_base64");
  if (modelBytes.length === 0 || optimizerBytes?.length === 0) throw errors.stateEmpty();
  const model = await store(ctx, notebookId, modelBytes);
  const optimizer = optimizerBytes && (await store(ctx, notebookId, optimizerBytes));
  return add(ctx, { notebookId, epoch, step, metrics, model, optimizer });
}

/** The checkpoint with the lowest or highest top-level number called `metric`, the older of equals; 404 when none has one. */
export async function bestCheckpoint(
  ctx: Ctx,
  notebookId: string,
  metric: string,
  minimize: boolean,
): Promise<Checkpoint> {
  await findOwn(ctx, "notebooks:read", notebookId);
  const row = await repo.findBest(ctx.db, notebookId, metric, minimize);
  if (!row) throw errors.noBestCheckpoint(metric);
  return toCheckpoint(row);
}

/** A checkpoint of this very notebook, with where its files lie. */
export async function findCheckpoint(
  ctx: Ctx,
  permission: "notebooks:read" | "notebooks:write",
  notebookId: string,
  id: string,
): Promise<CheckpointRow> {
  await findOwn(ctx, permission, notebookId);
  const row = isId(id) ? await repo.findCheckpoint(ctx.db, notebookId, id) : undefined;
  if (!row) throw errors.checkpointNotFound();
  return row;
}

/** Copies a checkpoint's model state into a model of the caller's, as its next version. */
export async function uploadToModel(
  ctx: Ctx,
  notebookId: string,
  input: UploadVersion,
): Promise<UploadedVersion> {
  const row = await findCheckpoint(ctx, "notebooks:write", notebookId, input.checkpoint_id);
  const metrics = input.metrics ?? row.metrics;
  const isObject = typeof metrics === "object" && metrics !== null && !Array.isArray(metrics);
  const fields = new Map(isObject ? [["metrics", JSON.stringify(metrics)]] : []);
  const upload: Upload = {
    async receive(sink) {
      const body = await ctx.blobs.get(row.blobKey);
      if (!body) throw new Error(`blob ${row.blobKey} is missing`);
      const name = `checkpoint-${row.epoch}-${row.step}.bin`;
      return { stored: await sink({ name, body, size: row.fileSize }), fields };
    },
  };
  const { id, version } = await uploadVersion(ctx, input.model_id, upload);
  return { version_id: id, model_id: input.model_id, version, checkpoint_id: row.id };
}
