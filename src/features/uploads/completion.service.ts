import type { ModelUploadRow } from "../../db/schema.ts";
import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import type { AppError } from "../../kernel/errors.ts";
import type { ArrivedPart } from "../../kernel/ports/part-uploads.ts";
import { digestOf } from "../files/index.ts";
import { findUploadedVersion, type ModelVersion, registerUpload } from "../models/index.ts";
import { plannedParts } from "./part-plan.ts";
import { ofStorage } from "./storage.ts";
import * as errors from "./uploads.errors.ts";
import * as repo from "./uploads.repo.ts";
import type { CompleteUpload } from "./uploads.schema.ts";
import { arrivedParts, findOwn, inStorage } from "./uploads.service.ts";

/**
 * Makes the parts one file and, once its digest is the one announced, the file a version. Every step may be taken again:
 * whoever calls once more, at once too, goes on where the last call came to, and gets the same version.
 */
export async function completeUpload(
  ctx: Ctx,
  modelId: string,
  id: string,
  { parts }: CompleteUpload,
): Promise<ModelVersion> {
  allow(ctx, "models:write");
  const upload = await findOwn(ctx, modelId, id);
  if (upload.state === "refused") throw errors.digestMismatch();
  if (upload.state === "done") return findUploadedVersion(ctx, upload.id);
  if (upload.state === "open") await assemble(ctx, upload, parts);
  await verify(ctx, upload);
  const version = await registerUpload(ctx, upload);
  if (!version) throw errors.uploadNotFound();
  return version;
}

type NamedPart = Omit<ArrivedPart, "size">;

/** Has the store make one file of the parts. Whatever it says of them, the file being there is what counts: somebody else may have been faster. */
async function assemble(ctx: Ctx, upload: ModelUploadRow, named: NamedPart[] | undefined): Promise<void> {
  const refusal = await refusalOf(ctx, upload, named);
  if (refusal && !(await isStored(ctx, upload))) throw refusal;
  await repo.markStored(ctx.db, upload.id);
}

const isStored = async (ctx: Ctx, { blobKey }: ModelUploadRow): Promise<boolean> =>
  (await ofStorage(ctx, ctx.blobs.head(blobKey))) !== undefined;

/** Why there is no file now; `undefined` where there is. */
async function refusalOf(
  ctx: Ctx,
  upload: ModelUploadRow,
  named: NamedPart[] | undefined,
): Promise<AppError | undefined> {
  const parts = await arrivedParts(ctx, upload);
  if (!parts) return errors.uploadLost();
  const faulty = faultyParts(upload, parts, named);
  if (faulty.length > 0) return errors.partsMissing(faulty);
  const outcome = await ofStorage(ctx, ctx.partUploads.complete(inStorage(upload), parts)).catch(
    (error: AppError) => error,
  );
  if (outcome === "done") return undefined;
  if (outcome === "refused") return errors.partsRefused();
  return outcome === "gone" ? errors.uploadLost() : outcome;
}

const withoutQuotes = (etag: string): string => etag.replaceAll('"', "");

/** The numbers of the parts that are missing, have another size than they have to, or are not the ones the caller means. */
function faultyParts(
  upload: ModelUploadRow,
  arrived: ArrivedPart[],
  named: NamedPart[] | undefined,
): number[] {
  const there = new Map(arrived.map((part) => [part.number, part]));
  const meant = named && new Map(named.map(({ number, etag }) => [number, withoutQuotes(etag)]));
  const faulty = plannedParts(upload).filter(({ number, size }) => {
    const part = there.get(number);
    return part?.size !== size || (meant && meant.get(number) !== part.etag);
  });
  return faulty.map(({ number }) => number);
}

/** Reads the whole file; one that is not what was announced is dropped. */
async function verify(ctx: Ctx, upload: ModelUploadRow): Promise<void> {
  const found = await ofStorage(ctx, digestOf(ctx, upload.blobKey));
  if (!found) throw await endOf(ctx, upload);
  if (found.sha256 === upload.sha256 && found.size === upload.fileSize) return;
  ctx.log("warn", "uploads.refused", { upload_id: upload.id, found });
  await repo.refuseUpload(ctx.db, upload.id, ctx.now);
  throw errors.digestMismatch();
}

/** Why the file is not there any more: somebody else's call has found it wrong, or has ended the upload. */
async function endOf(ctx: Ctx, { modelId, id }: ModelUploadRow) {
  const { state } = await findOwn(ctx, modelId!, id);
  return state === "refused" ? errors.digestMismatch() : errors.uploadLost();
}
