import type { ModelUploadRow } from "../../db/schema.ts";
import { allow, scopeOf } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { isForeignKeyViolation } from "../../kernel/postgres-error.ts";
import type { ArrivedPart } from "../../kernel/ports/part-uploads.ts";
import { getModel, requireOwnRun } from "../models/index.ts";
import { partSizeOf, plannedParts } from "./part-plan.ts";
import { ofStorage } from "./storage.ts";
import * as errors from "./uploads.errors.ts";
import * as repo from "./uploads.repo.ts";
import { type CreateUpload, toUpload, type Upload } from "./uploads.schema.ts";

const DAY_MS = 24 * 3_600_000;
const URL_SECONDS = 3_600;
const MAX_UNDER_WAY = 100;

/** Begins an upload in parts, which its sender may take up again for a day. */
export async function createUpload(ctx: Ctx, modelId: string, input: CreateUpload): Promise<Upload> {
  const actor = allow(ctx, "models:write");
  await getModel(ctx, modelId);
  const { maxMultipartBytes } = ctx.settings;
  if (input.file_size > maxMultipartBytes) throw errors.fileTooLarge(maxMultipartBytes);
  if (input.training_run_id !== undefined) await requireOwnRun(ctx, input.training_run_id);
  if ((await repo.countUnderWay(ctx.db, actor.id)) >= MAX_UNDER_WAY)
    throw errors.tooManyUploads(MAX_UNDER_WAY);
  const row = await begin(ctx, newUpload(ctx, actor.id, modelId, input));
  return toUpload(row, { urls: await urlsOf(ctx, row), arrived: [] });
}

const newUpload = (ctx: Ctx, ownerId: string, modelId: string, input: CreateUpload) => ({
  id: crypto.randomUUID(),
  ownerId,
  modelId,
  blobKey: `models/${modelId}/${crypto.randomUUID()}`,
  isDirect: ctx.partUploads.isDirect,
  fileName: input.file_name,
  fileSize: input.file_size,
  partSize: partSizeOf(input.file_size),
  sha256: input.sha256,
  metrics: input.metrics ?? null,
  trainingRunId: input.training_run_id ?? null,
  expiresAt: new Date(ctx.now.getTime() + DAY_MS),
});

/** Has the store begin, and writes it down; what cannot be written down is aborted again. */
async function begin(ctx: Ctx, upload: Omit<repo.NewUpload, "storageId">): Promise<ModelUploadRow> {
  const storageId = await ofStorage(ctx, ctx.partUploads.begin(upload.blobKey));
  const row = { ...upload, storageId };
  try {
    // The sweep of uploads comes first, and sees to the blob itself.
    const blobDue = new Date(upload.expiresAt.getTime() + DAY_MS);
    if (!(await repo.insertUpload(ctx.db, row, MAX_UNDER_WAY, blobDue)))
      throw errors.tooManyUploads(MAX_UNDER_WAY);
  } catch (error) {
    ctx.background("abort_upload", ctx.partUploads.abort({ key: upload.blobKey, storageId }));
    // The model was deleted meanwhile, which looking for it says.
    if (isForeignKeyViolation(error)) await getModel(ctx, upload.modelId);
    throw error;
  }
  return { ...row, state: "open", createdAt: ctx.now };
}

/** The caller's upload. */
export async function findOwn(ctx: Ctx, modelId: string, id: string): Promise<ModelUploadRow> {
  const actor = allow(ctx, "models:write");
  const row = await repo.findUpload(ctx.db, scopeOf(actor), modelId, id, ctx.now);
  if (!row) throw errors.uploadNotFound();
  return row;
}

/** How the store knows it. */
export const inStorage = ({ blobKey, storageId }: ModelUploadRow) => ({ key: blobKey, storageId });

/** What has arrived of an upload, by number; `undefined` where the store knows no such upload. */
export async function arrivedParts(ctx: Ctx, row: ModelUploadRow): Promise<ArrivedPart[] | undefined> {
  const { partUploads } = ctx;
  // The store was exchanged meanwhile: what has arrived lies in the other.
  if (partUploads.isDirect !== row.isDirect) return undefined;
  if (partUploads.isDirect) return ofStorage(ctx, partUploads.list(inStorage(row)));
  return repo.listParts(ctx.db, row.id);
}

/** Where to send each part. Paths of this API are relative to it. */
function urlsOf({ partUploads }: Ctx, row: ModelUploadRow): Promise<string[]> {
  const urls = plannedParts(row).map(async ({ number, size }) =>
    partUploads.isDirect
      ? partUploads.partUrl(inStorage(row), number, size, URL_SECONDS)
      : `/api/models/${row.modelId}/uploads/${row.id}/parts/${number}`,
  );
  return Promise.all(urls);
}

/** An upload with what has arrived, and fresh addresses for all of its parts. They let write, so it takes that to see them. */
export async function getUpload(ctx: Ctx, modelId: string, id: string): Promise<Upload> {
  allow(ctx, "models:write");
  const row = await findOwn(ctx, modelId, id);
  if (row.state !== "open") return toUpload(row, { urls: [], arrived: [] });
  const arrived = await arrivedParts(ctx, row);
  return toUpload(row, { urls: arrived ? await urlsOf(ctx, row) : [], arrived: arrived ?? [] });
}

/** Ends an upload, and drops what has arrived of it. */
export async function abortUpload(ctx: Ctx, modelId: string, id: string): Promise<void> {
  allow(ctx, "models:write");
  const row = await findOwn(ctx, modelId, id);
  if (row.state === "done") throw errors.uploadDone();
  // The store first: what it keeps after a failure is still known here, and can be aborted again.
  if (row.state === "open") await ofStorage(ctx, ctx.partUploads.abort(inStorage(row)));
  if (!(await repo.deleteUpload(ctx.db, row.id, ctx.now))) await findOwn(ctx, modelId, id).then(refuseDone);
}

function refuseDone({ state }: ModelUploadRow): void {
  if (state === "done") throw errors.uploadDone();
}
