import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import * as repo from "./aliases.repo.ts";
import { type ModelAlias, toModelAlias } from "./aliases.schema.ts";
import * as errors from "./models.errors.ts";
import { getModel } from "./models.service.ts";

const MAX_ALIASES = 100;

/** A model's aliases by name; there are never more than fit one page. */
export async function listAliases(ctx: Ctx, modelId: string): Promise<ModelAlias[]> {
  await getModel(ctx, modelId);
  return (await repo.listAliases(ctx.db, modelId)).map(toModelAlias);
}

/** Gives a version a name, taking it from the version that had it; repeating it is fine. */
export async function putAlias(
  ctx: Ctx,
  modelId: string,
  alias: string,
  version: number,
): Promise<ModelAlias> {
  allow(ctx, "models:write");
  const { aliases } = await getModel(ctx, modelId);
  const isNew = !Object.hasOwn(aliases, alias);
  if (isNew && Object.keys(aliases).length >= MAX_ALIASES) throw errors.tooManyAliases(MAX_ALIASES);
  const row = await repo.putAlias(ctx.db, modelId, { alias, version }, ctx.now);
  if (!row) throw errors.versionNotFound();
  return toModelAlias(row);
}

export async function deleteAlias(ctx: Ctx, modelId: string, alias: string): Promise<void> {
  allow(ctx, "models:write");
  await getModel(ctx, modelId);
  if (!(await repo.deleteAlias(ctx.db, modelId, alias))) throw errors.aliasNotFound();
}
