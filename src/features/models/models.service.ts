import { allow, scopeOf } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { type Page, type Paged, paged } from "../../kernel/page.ts";
import { isUniqueViolation } from "../../kernel/postgres-error.ts";
import { refusingInUse } from "./in-use.ts";
import * as errors from "./models.errors.ts";
import * as repo from "./models.repo.ts";
import {
  type CreateModel,
  type Model,
  type ModelFilter,
  toListedModel,
  toModel,
  toModelChange,
  type UpdateModel,
} from "./models.schema.ts";

/** The caller's models; everybody's for an administrator. */
export async function listModels(ctx: Ctx, filter: ModelFilter, page: Page): Promise<Paged<Model>> {
  const actor = allow(ctx, "models:read");
  const { items, next } = paged(await repo.listModels(ctx.db, scopeOf(actor), filter, page), page.limit);
  return { items: items.map(toListedModel), ...(next && { next }) };
}

export async function createModel(ctx: Ctx, input: CreateModel): Promise<Model> {
  const actor = allow(ctx, "models:write");
  const { name, model_type: modelType } = input;
  const row = await repo.insertModel(ctx.db, {
    ...toModelChange(input),
    ...{ ownerId: actor.id, name, modelType },
  });
  if (!row) throw errors.modelNameTaken(name);
  return toModel({ ...row, versionCount: 0, latestVersion: null, aliases: {} });
}

export async function getModel(ctx: Ctx, id: string): Promise<Model> {
  const actor = allow(ctx, "models:read");
  const row = await repo.findModel(ctx.db, scopeOf(actor), id);
  if (!row) throw errors.modelNotFound();
  return toModel(row);
}

export async function updateModel(ctx: Ctx, id: string, input: UpdateModel): Promise<Model> {
  const actor = allow(ctx, "models:write");
  const change = toModelChange(input);
  try {
    if (!(await repo.updateModel(ctx.db, scopeOf(actor), id, change, ctx.now))) throw errors.modelNotFound();
  } catch (error) {
    if (isUniqueViolation(error)) throw errors.modelNameTaken(input.name ?? "");
    throw error;
  }
  return getModel(ctx, id);
}

export async function deleteModel(ctx: Ctx, id: string): Promise<void> {
  const actor = allow(ctx, "models:write");
  const deleted = await refusingInUse(repo.deleteModel(ctx.db, scopeOf(actor), id, ctx.now));
  if (!deleted) throw errors.modelNotFound();
}
