import { and, eq, getTableColumns, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { behind, newestFirst } from "#db/page";
import { type ModelRow, models, modelVersions, orphanBlobs } from "#db/schema";
import type { Scope } from "../../kernel/actor.ts";
import type { Page } from "../../kernel/page.ts";
import type { CountedModel } from "./models.schema.ts";

const owned = (scope: Scope) => (scope === null ? undefined : eq(models.ownerId, scope));

// Spelled out, because a column of the outer table is not qualified when it stands inside raw SQL.
const versionsOfModel = sql.raw(`model_versions v where v.model_id = models.id`);
const counted = {
  ...getTableColumns(models),
  versionCount: sql<number>`(select count(*)::int from ${versionsOfModel})`,
  latestVersion: sql<number | null>`(select max(v.version) from ${versionsOfModel})`,
};

/** Newest first, one row more than asked for, so that the caller sees whether there is a next page. */
export function listModels(db: Db, scope: Scope, { limit, after }: Page): Promise<CountedModel[]> {
  return db
    .select(counted)
    .from(models)
    .where(and(owned(scope), behind(models, after)))
    .orderBy(...newestFirst(models))
    .limit(limit + 1);
}

export async function findModel(db: Db, scope: Scope, id: string): Promise<CountedModel | undefined> {
  const [row] = await db
    .select(counted)
    .from(models)
    .where(and(eq(models.id, id), owned(scope)));
  return row;
}

/** `undefined` when the owner has a model of that name. */
export async function insertModel(
  db: Db,
  model: Pick<ModelRow, "ownerId" | "name" | "modelType"> & { description?: string | undefined },
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
  change: Partial<Pick<ModelRow, "name" | "description" | "modelType">>,
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
