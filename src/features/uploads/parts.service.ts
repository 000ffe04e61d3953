import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { isForeignKeyViolation } from "../../kernel/postgres-error.ts";
import type { IncomingFile } from "../../kernel/upload.ts";
import { ofStorage } from "./storage.ts";
import { partCountOf, plannedPart } from "./part-plan.ts";
import * as errors from "./uploads.errors.ts";
import * as repo from "./uploads.repo.ts";
import type { ReceivedPart } from "./uploads.schema.ts";
import { findOwn, inStorage } from "./uploads.service.ts";

type Body = Pick<IncomingFile, "body" | "size">;

/** Streams one part through to the store, in place of an earlier one of its number. */
export async function putPart(
  ctx: Ctx,
  modelId: string,
  id: string,
  number: number,
  part: Body,
): Promise<ReceivedPart> {
  allow(ctx, "models:write");
  const upload = await findOwn(ctx, modelId, id);
  const planned = plannedPart(upload, number);
  if (!planned) throw errors.partNotFound(partCountOf(upload));
  if (upload.state !== "open") throw errors.uploadNotOpen();
  if (ctx.partUploads.isDirect || upload.isDirect) throw errors.uploadIsDirect();
  const { size } = planned;
  if (part.size !== undefined && part.size !== size) throw errors.wrongPartSize(planned);
  const etag = await ofStorage(
    ctx,
    ctx.partUploads.put(inStorage(upload), number, part.body, size).catch((error: unknown) => {
      // The only range an adapter knows is the part's length.
      if (error instanceof RangeError) throw errors.wrongPartSize(planned);
      throw error;
    }),
  );
  if (etag === undefined) throw errors.uploadNotOpen();
  const received = { number, etag, size };
  await repo.upsertPart(ctx.db, upload.id, received).catch((error: unknown) => {
    // The upload was ended meanwhile.
    throw isForeignKeyViolation(error) ? errors.uploadNotOpen() : error;
  });
  return received;
}
