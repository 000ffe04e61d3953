import type { Actor } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { type Page, type Paged, paged } from "../../kernel/page.ts";
import * as errors from "./models.errors.ts";
import { type Model, type ModelFilter, toListedModel, toModel } from "./models.schema.ts";
import * as repo from "./public-models.repo.ts";
import { type PublicVersion, toPublicVersion } from "./public-models.schema.ts";
import { parseVersionRef } from "./version-ref.ts";
import { listVersions, type OwnedVersion } from "./versions.repo.ts";

// No `allow` in here: anybody may ask. What can be found is what the queries of the repository let through.

/** Who sees models of his own besides the public ones: whoever could list them elsewhere, too. */
const ownerOf = (actor: Actor): string | null =>
  actor.kind === "user" && actor.permissions.has("models:read") ? actor.id : null;

/** Everybody's public models; to somebody signed in also his own, and to no administrator anybody else's. */
export async function listPublicModels(ctx: Ctx, filter: ModelFilter, page: Page): Promise<Paged<Model>> {
  const rows = await repo.listShownModels(ctx.db, ownerOf(ctx.actor), filter, page);
  const { items, next } = paged(rows, page.limit);
  return { items: items.map(toListedModel), ...(next && { next }) };
}

/** A public model. One that is private, the caller's own too, is not there. */
export async function getPublicModel(ctx: Ctx, id: string): Promise<Model> {
  const row = await repo.findShownModel(ctx.db, id);
  if (!row) throw errors.modelNotFound();
  return toModel(row);
}

export async function listPublicVersions(
  ctx: Ctx,
  modelId: string,
  limit: number,
  below?: number,
): Promise<{ items: PublicVersion[]; next?: string }> {
  await getPublicModel(ctx, modelId);
  const rows = await listVersions(ctx.db, modelId, limit + 1, below);
  const items = rows.slice(0, limit).map(toPublicVersion);
  return { items, ...(rows.length > limit && { next: String(items[items.length - 1]!.version) }) };
}

/** Where the file of a public model's version lies. */
export async function getPublicFile(ctx: Ctx, modelId: string, ref: string): Promise<OwnedVersion> {
  const parsed = parseVersionRef(ref);
  const row = parsed && (await repo.findShownVersion(ctx.db, modelId, parsed));
  if (row) return row;
  await getPublicModel(ctx, modelId);
  throw errors.versionNotFound();
}
