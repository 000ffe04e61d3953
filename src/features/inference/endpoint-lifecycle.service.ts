import type { EndpointRow } from "../../db/schema.ts";
import { allow, scopeOf } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import type { LoadReply, ModelFile } from "../../kernel/ports/model-pools.ts";
import { getVersionById } from "../models/index.ts";
import * as repo from "./endpoints.repo.ts";
import { type Endpoint, limitsOf, toEndpoint } from "./endpoints.schema.ts";
import { endpointNotFound, modelNotLoadable, startOvertaken } from "./inference.errors.ts";
import { forgetServing } from "./serving-cache.ts";

// Loading gives up long before; a start that is older belongs to a Worker that was cut off.
export const STUCK_MS = 60_000;
export const STUCK_TEXT = "The start was interrupted; start the endpoint again.";

export const isStuck = (row: Pick<EndpointRow, "status" | "updatedAt">, now: Date): boolean =>
  row.status === "starting" && now.getTime() - row.updatedAt.getTime() > STUCK_MS;

const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;

async function fileOf(ctx: Ctx, versionId: string): Promise<ModelFile> {
  const { id, blobKey, fileSize } = await getVersionById(ctx, versionId);
  return { versionId: id, blobKey, sizeBytes: fileSize };
}

/** Has the pool load the model and admit the endpoint; a refusal is a value, as is a pool that cannot be reached. */
export async function startInPool(ctx: Ctx, row: EndpointRow): Promise<LoadReply> {
  const file = await fileOf(ctx, row.modelVersionId);
  const { maxModelBytes } = ctx.settings;
  if (file.sizeBytes > maxModelBytes) {
    const reason = `The model has ${megabytes(file.sizeBytes)}, more than the ${megabytes(maxModelBytes)} that can be served.`;
    return { ok: false, reason };
  }
  try {
    return await ctx.pools.of(row.modelVersionId).start(row.id, file, limitsOf(row));
  } catch (error) {
    ctx.log("error", "endpoint.pool_failed", { endpoint_id: row.id, error });
    return { ok: false, reason: "The model pool failed; try again." };
  }
}

/** A stop or delete that came in between wins: the pool must not go on serving what the database says is stopped. */
async function overtaken(ctx: Ctx, { id, name, modelVersionId }: EndpointRow): Promise<Endpoint> {
  const present = await repo.findEndpoint(ctx.db, null, id);
  if (!present || present.status === "stopped") await ctx.pools.of(modelVersionId).stop(id);
  forgetServing(name);
  if (!present) throw endpointNotFound();
  if (present.status === "stopped") throw startOvertaken();
  return toEndpoint(present);
}

/** Loads the model and lets calls in. Starting a running endpoint changes nothing; one in any other state is started. */
export async function startEndpoint(ctx: Ctx, id: string): Promise<Endpoint> {
  const actor = allow(ctx, "endpoints:write");
  const present = await repo.findEndpoint(ctx.db, scopeOf(actor), id);
  if (!present) throw endpointNotFound();
  if (
    present.status === "running" &&
    (await ctx.pools.of(present.modelVersionId).setLimits(id, limitsOf(present)))
  ) {
    return toEndpoint(present);
  }
  const starting = await repo.setStatus(ctx.db, scopeOf(actor), id, "starting", ctx.now);
  if (!starting) throw endpointNotFound();
  const reply = await startInPool(ctx, starting);
  const outcome = reply.ok
    ? ({ status: "running", errorMessage: null } as const)
    : ({ status: "error", errorMessage: reply.reason } as const);
  const row = await repo.finishStart(ctx.db, starting, outcome, new Date());
  if (!row) return overtaken(ctx, starting);
  forgetServing(row.name);
  ctx.log(reply.ok ? "info" : "warn", "endpoint.started", {
    endpoint_id: id,
    status: row.status,
    reason: row.errorMessage,
  });
  if (!reply.ok) throw modelNotLoadable(reply.reason, toEndpoint(row));
  return toEndpoint(row);
}

/** Lets no more calls in and waits for those under way. Stopping a stopped endpoint changes nothing. */
export async function stopEndpoint(ctx: Ctx, id: string): Promise<Endpoint> {
  const actor = allow(ctx, "endpoints:write");
  const row = await repo.setStatus(ctx.db, scopeOf(actor), id, "stopped", ctx.now);
  if (!row) throw endpointNotFound();
  forgetServing(row.name);
  await ctx.pools.of(row.modelVersionId).stop(id);
  ctx.log("info", "endpoint.stopped", { endpoint_id: id });
  return toEndpoint(row);
}
