import { and, eq, getTableColumns, ilike, type SQL, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { escapeLike } from "#db/like";
import { behind, newestFirst } from "#db/page";
import { type ModelRow, models, modelVersions, orphanBlobs } from "#db/schema";
import type { Scope } from "../../kernel/actor.ts";
import type { Page } from "../../kernel/page.ts";
import type { CountedModel, ListedModel, ModelFilter } from "./models.schema.ts";

const owned = (scope: Scope) => (scope === null ? undefined : eq(models.ownerId, scope));

// Spelled out, because a column of the outer table is not qualified when it stands inside raw SQL.
const versionsOfModel = sql.raw(`model_versions v where v.model_id = models.id`);
const aliases = sql<Record<string, number>>`coalesce((
  select jsonb_object_agg(a.alias, v.version) from model_aliases a join model_versions v on v.id = a.version_id
  where a.model_id = models.id
), '{}'::jsonb)`;
const counted = {
  ...getTableColumns(models),
  versionCount: sql<number>`(select count(*)::int from ${versionsOfModel})`,
  latestVersion: sql<number | null>`(select max(v.version) from ${versionsOfModel})`,
  aliases,
};
const { card: _card, ...listed } = counted;

const matching = ({ tag, search, visibility }: ModelFilter): SQL | undefined =>
  and(
    tag === undefined ? undefined : sql`${models.tags} @> ${JSON.stringify([tag])}::jsonb`,
    search === undefined ? undefined : ilike(models.name, `%${escapeLike(search)}%`),
    visibility === undefined ? undefined : eq(models.isPublic, visibility === "public"),
  );

/** Newest first, one row more than asked for, so that the caller sees whether there is a next page. */
export function listModelsWhere(
  db: Db,
  whose: SQL | undefined,
  filter: ModelFilter,
  { limit, after }: Page,
): Promise<ListedModel[]> {
  return db
    .select(listed)
    .from(models)
    .where(and(whose, matching(filter), behind(models, after)))
    .orderBy(...newestFirst(models))
    .limit(limit + 1);
}

export const listModels = (db: Db, scope: Scope, filter: ModelFilter, page: Page): Promise<ListedModel[]> =>
  listModelsWhere(db, owned(scope), filter, page);

/** The one model that meets a condition. */
export async function findOneModel(db: Db, condition: SQL | undefined): Promise<CountedModel | undefined> {
  const [row] = await db.select(counted).from(models).where(condition);
  return row;
}

export const findModel = (db: Db, scope: Scope, id: string): Promise<CountedModel | undefined> =>
  findOneModel(db, and(eq(models.id, id), owned(scope)));

type ModelChange = Partial<
  Pick<ModelRow, "name" | "modelType" | "description" | "card" | "tags" | "labels" | "isPublic">
>;

/** `undefined` when the owner has a model of that name. */
export async function insertModel(
  db: Db,
  model: ModelChange & Pick<ModelRow, "ownerId" | "name" | "modelType">,
): Promise<ModelRow | undefined> {
  const [row] = await db.insert(models).values(model).onConflictDoNothing().returning();
  return row;
}

/** The owner's model of that name, made when there is none. */
export async function upsertModel(
  db: Db,
  ownerId: string,
  name: string,
  modelType: string,
): Promise<ModelRow> {
  const [row] = await db
    .insert(models)
    .values({ ownerId, name, modelType })
    .onConflictDoUpdate({ target: [models.ownerId, models.name], set: { updatedAt: sql`now()` } })
    .returning();
  return row!;
}

export async function updateModel(
  db: Db,
  scope: Scope,
  id: string,
  change: ModelChange,
  now: Date,
): Promise<boolean> {
  const rows = await db
    .update(models)
    .set({ ...change, updatedAt: now })
    .where(and(eq(models.id, id), owned(scope)))
    .returning({ id: models.id });
  return rows.length > 0;
}

/** Deletes a model with its versions; their files are left to the sweep in the same transaction. */
export async function deleteModel(db: Db, scope: Scope, id: string, now: Date): Promise<boolean> {
  const mine = and(eq(models.id, id), owned(scope));
  const files = db
    .select({
      key: modelVersions.blobKey,
      deleteAfter: sql`${now.toISOString()}::timestamptz`.as("delete_after"),
    })
    .from(modelVersions)
    .innerJoin(models, eq(models.id, modelVersions.modelId))
    .where(mine);
  const [, deleted] = await db.batch([
    db.insert(orphanBlobs).select(files),
    db.delete(models).where(mine).returning({ id: models.id }),
  ]);
  return deleted.length > 0;
}
