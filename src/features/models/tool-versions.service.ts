import type { MadeBy } from "../../db/schema.ts";
import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import type { StoredFile } from "../files/index.ts";
import { takeIn } from "./intake.service.ts";
import { modelNotFound } from "./models.errors.ts";
import type { OwnedVersion } from "./versions.repo.ts";
import { type ModelVersion, toModelVersion } from "./versions.schema.ts";

/**
 * Makes what a tool made of `parent` the next version of the same model, with the parent's dataset. The caller has
 * found the parent for who is asking.
 */
export async function addToolVersion(
  ctx: Ctx,
  parent: OwnedVersion,
  file: StoredFile,
  madeBy: MadeBy,
  { metrics }: { metrics?: Record<string, unknown> } = {},
): Promise<ModelVersion> {
  allow(ctx, "models:write");
  const { id: parentId, modelId } = parent;
  const row = await takeIn(ctx, { modelId, source: "tool", file, metrics, parentId, madeBy });
  if (!row) throw modelNotFound();
  return toModelVersion(row);
}
