import { allow, scopeOf } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import type { Paged } from "../../kernel/page.ts";
import { listConnectedAgents } from "../agents/index.ts";
import { whyWaiting } from "./queue-reason.ts";
import * as repo from "./queue.repo.ts";
import { encodeQueueCursor, type QueuedRun, type QueuePosition, toQueuedRun } from "./queue.schema.ts";

/** The caller's waiting runs (everybody's for an administrator) in the order they go, and why each still waits. */
export async function listQueue(ctx: Ctx, limit: number, after?: QueuePosition): Promise<Paged<QueuedRun>> {
  const actor = allow(ctx, "runs:read");
  const rows = await repo.listWaiting(ctx.db, scopeOf(actor), limit, after, ctx.now);
  const shown = rows.slice(0, limit);
  const workers = shown.length > 0 ? await listConnectedAgents(ctx) : [];
  const items = shown.map((row) => toQueuedRun(row, whyWaiting(row, workers, ctx.now)));
  return { items, ...(rows.length > limit && { next: encodeQueueCursor(shown[limit - 1]!) }) };
}
