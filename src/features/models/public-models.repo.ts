import { and, eq, or, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { models } from "#db/schema";
import type { Page } from "../../kernel/page.ts";
import { findOneModel, listModelsWhere } from "./models.repo.ts";
import type { CountedModel, ListedModel, ModelFilter } from "./models.schema.ts";
import type { VersionRef } from "./version-ref.ts";
import { findOneVersion, isCalled, type OwnedVersion } from "./versions.repo.ts";

// A suspended account shows nothing to the world.
const isShown = sql`(models.is_public and exists (
  select 1 from users u where u.id = models.owner_id and u.suspended_at is null
))`;

/** Public models, and those of `ownerId` where one is given; newest first, one row more than asked for. */
export const listShownModels = (
  db: Db,
  ownerId: string | null,
  filter: ModelFilter,
  page: Page,
): Promise<ListedModel[]> =>
  listModelsWhere(db, ownerId === null ? isShown : or(isShown, eq(models.ownerId, ownerId)), filter, page);

export const findShownModel = (db: Db, id: string): Promise<CountedModel | undefined> =>
  findOneModel(db, and(eq(models.id, id), isShown));

export const findShownVersion = (
  db: Db,
  modelId: string,
  ref: VersionRef,
): Promise<OwnedVersion | undefined> => findOneVersion(db, and(isCalled(db, modelId, ref), isShown));
