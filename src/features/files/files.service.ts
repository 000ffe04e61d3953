import type { Ctx } from "../../kernel/ctx.ts";
import { toHex } from "../../kernel/secret.ts";
import { AppError } from "../../kernel/errors.ts";
import type { IncomingFile } from "../../kernel/upload.ts";
import { Meter } from "./meter.ts";
import { deleteOrphans, insertOrphan, listDueOrphans } from "./files.repo.ts";

/** A blob that is complete but not owned yet: put `adopt(db, blobKey)` in the batch that inserts its owner. */
export interface StoredFile {
  blobKey: string;
  fileName: string;
  fileSize: number;
  sha256: string;
}

// Longer than any upload may take; until then the sweep leaves the blob alone.
const UPLOAD_GRACE_MS = 24 * 3_600_000;
const SWEEP_BATCH = 500;
const STORE_RETRY_SECONDS = 5;

/** Streams a file into the blob store under a fresh key, hashing and counting it on the way. */
export async function storeFile(ctx: Ctx, prefix: string, file: IncomingFile): Promise<StoredFile> {
  const blobKey = `${prefix}/${crypto.randomUUID()}`;
  await insertOrphan(ctx.db, blobKey, new Date(ctx.now.getTime() + UPLOAD_GRACE_MS));
  const meter = new Meter(file.body);
  try {
    await ctx.blobs.put(blobKey, meter.stream, file.size);
  } catch (error) {
    await meter.abandon(error);
    throw refusalOf(ctx, error, meter, file);
  }
  return { blobKey, fileName: file.name, fileSize: meter.bytes, sha256: await meter.sha256() };
}

/** Whose fault a failed upload is: what the limits said, the sender's, or the store's. */
function refusalOf(
  ctx: Ctx,
  error: unknown,
  { sourceError, bytes, ended }: Meter,
  { size }: IncomingFile,
): AppError {
  if (sourceError instanceof AppError) return sourceError;
  const isShort = ended && size !== undefined && bytes !== size;
  ctx.log("warn", "files.upload_failed", { error, source_failed: sourceError !== undefined, bytes, size });
  if (sourceError !== undefined || isShort) {
    return new AppError(
      "bad_request",
      "UPLOAD_INCOMPLETE",
      "The upload did not arrive whole; nothing was kept.",
    );
  }
  return new AppError(
    "unavailable",
    "STORAGE_UNAVAILABLE",
    "The file store does not take files now; try again.",
    {
      retry_after: STORE_RETRY_SECONDS,
    },
  );
}

/** Deletes the blobs nothing owns; safe to run twice or at once. Returns how many went. */
export async function sweepOrphans(ctx: Pick<Ctx, "db" | "blobs" | "now">): Promise<number> {
  let swept = 0;
  for (;;) {
    const keys = await listDueOrphans(ctx.db, ctx.now, SWEEP_BATCH);
    await ctx.blobs.delete(keys);
    await deleteOrphans(ctx.db, keys);
    swept += keys.length;
    if (keys.length < SWEEP_BATCH) return swept;
  }
}

/** Reads a whole blob for its size and its SHA-256 in hex, natively and in constant memory; `undefined` when there is none. */
export async function digestOf(
  ctx: Pick<Ctx, "blobs">,
  blobKey: string,
): Promise<{ size: number; sha256: string } | undefined> {
  const body = await ctx.blobs.get(blobKey);
  if (!body) return undefined;
  const digest = new crypto.DigestStream("SHA-256");
  // A stream that breaks rejects the digest too, which nobody waits for then.
  digest.digest.catch(() => undefined);
  await body.pipeTo(digest);
  return { size: Number(digest.bytesWritten), sha256: toHex(new Uint8Array(await digest.digest)) };
}
