import type { Ctx } from "../../kernel/ctx.ts";
import { AppError } from "../../kernel/errors.ts";
import { toHex } from "../../kernel/secret.ts";
import type { IncomingFile } from "../../kernel/upload.ts";
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

/** Streams a file into the blob store under a fresh key, hashing and counting it on the way. */
export async function storeFile(ctx: Ctx, prefix: string, file: IncomingFile): Promise<StoredFile> {
  const blobKey = `${prefix}/${crypto.randomUUID()}`;
  await insertOrphan(ctx.db, blobKey, new Date(ctx.now.getTime() + UPLOAD_GRACE_MS));
  const digest = new crypto.DigestStream("SHA-256");
  const hashing = digest.getWriter();
  let fileSize = 0;
  const metered = file.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      async transform(chunk, controller) {
        fileSize += chunk.length;
        await hashing.write(chunk);
        controller.enqueue(chunk);
      },
    }),
  );
  try {
    await ctx.blobs.put(blobKey, metered, file.size);
  } catch (error) {
    await hashing.abort(error);
    throw error instanceof AppError ? error : cutShort(ctx, error);
  }
  await hashing.close();
  return { blobKey, fileName: file.name, fileSize, sha256: toHex(new Uint8Array(await digest.digest)) };
}

function cutShort(ctx: Ctx, error: unknown): AppError {
  ctx.log("warn", "files.upload_failed", { error });
  return new AppError(
    "bad_request",
    "UPLOAD_INCOMPLETE",
    "The upload did not arrive whole; nothing was kept.",
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
