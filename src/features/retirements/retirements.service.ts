import { allow, type UserActor } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { AppError } from "../../kernel/errors.ts";
import { deleteEndpoint, endpointsServing } from "../inference/index.ts";
import { deleteModel, deleteVersion, getModel, getVersionForServing, versionInUse } from "../models/index.ts";
import { notToBeForced, toldOf } from "./in-the-way.ts";

interface Target {
  modelId: string;
  versionId?: string;
  ownerId: string;
}

/** Deletes a model with all versions. One that is served is refused, unless `force` takes its endpoints along. */
export async function retireModel(ctx: Ctx, id: string, force: boolean): Promise<void> {
  const actor = allowRetiring(ctx, force);
  const { user_id: ownerId } = await getModel(ctx, id);
  await clearTheWay(ctx, actor, { modelId: id, ownerId }, force);
  await deleteModel(ctx, id);
}

/** The same for one version. */
export async function retireVersion(ctx: Ctx, modelId: string, ref: string, force: boolean): Promise<void> {
  const actor = allowRetiring(ctx, force);
  const { id: versionId, ownerId } = await getVersionForServing(ctx, modelId, ref);
  await clearTheWay(ctx, actor, { modelId, versionId, ownerId }, force);
  // By its id: an alias may have moved on meanwhile.
  await deleteVersion(ctx, modelId, versionId);
}

function allowRetiring(ctx: Ctx, force: boolean): UserActor {
  const actor = allow(ctx, "models:write");
  return force ? allow(ctx, "endpoints:write") : actor;
}

/** Stops and deletes what serves the target, all of it or, where that is refused, none. */
async function clearTheWay(ctx: Ctx, actor: UserActor, target: Target, force: boolean): Promise<void> {
  const endpoints = await endpointsServing(ctx, target.modelId, target.versionId);
  const inTheWay = force ? notToBeForced(endpoints, actor, target.ownerId) : endpoints;
  if (inTheWay.length > 0) throw versionInUse(toldOf(inTheWay, actor));
  await Promise.all(endpoints.map(({ id }) => deleteUnlessGone(ctx, id)));
}

async function deleteUnlessGone(ctx: Ctx, endpointId: string): Promise<void> {
  try {
    await deleteEndpoint(ctx, endpointId);
  } catch (error) {
    if (!(error instanceof AppError && error.kind === "not_found")) throw error;
  }
}
