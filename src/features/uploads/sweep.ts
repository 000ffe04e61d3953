import type { Ctx } from "../../kernel/ctx.ts";
import * as repo from "./uploads.repo.ts";
import { inStorage } from "./uploads.service.ts";

const BATCH = 200;

/** Ends uploads whose day is over, and those of models that are gone; safe to run twice or at once. Returns how many went. */
export async function sweepUploads(ctx: Pick<Ctx, "db" | "partUploads" | "now" | "log">): Promise<number> {
  let swept = 0;
  for (const row of await repo.listDue(ctx.db, ctx.now, BATCH)) {
    try {
      if (row.state === "open" && row.isDirect === ctx.partUploads.isDirect)
        await ctx.partUploads.abort(inStorage(row));
      swept += await repo.deleteDue(ctx.db, row.id, ctx.now);
    } catch (error) {
      ctx.log("warn", "uploads.sweep_failed", { upload_id: row.id, error });
    }
  }
  return swept;
}
