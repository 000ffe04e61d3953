import { and, asc, eq, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { modelAliases, modelVersions } from "#db/schema";
import type { AliasRecord } from "./aliases.schema.ts";

// Whose model it is the callers have checked.

const isNamed = (modelId: string, alias: string) =>
  and(eq(modelAliases.modelId, modelId), eq(modelAliases.alias, alias));

/** A model's aliases by name. */
export function listAliases(db: Db, modelId: string): Promise<AliasRecord[]> {
  return db
    .select({
      alias: modelAliases.alias,
      version: modelVersions.version,
      versionId: modelAliases.versionId,
      updatedAt: modelAliases.updatedAt,
    })
    .from(modelAliases)
    .innerJoin(modelVersions, eq(modelVersions.id, modelAliases.versionId))
    .where(eq(modelAliases.modelId, modelId))
    .orderBy(asc(modelAliases.alias));
}

/** Gives a version a name, which any other loses; `undefined` when there is no such version. Repeating it changes nothing. */
export async function putAlias(
  db: Db,
  modelId: string,
  { alias, version }: { alias: string; version: number },
  now: Date,
): Promise<AliasRecord | undefined> {
  const target = db
    .select({
      modelId: modelVersions.modelId,
      alias: sql<string>`${alias}::text`.as("alias"),
      versionId: modelVersions.id,
      updatedAt: sql`${now.toISOString()}::timestamptz`.as("updated_at"),
    })
    .from(modelVersions)
    .where(and(eq(modelVersions.modelId, modelId), eq(modelVersions.version, version)));
  const [row] = await db
    .insert(modelAliases)
    .select(target)
    .onConflictDoUpdate({
      target: [modelAliases.modelId, modelAliases.alias],
      set: {
        versionId: sql`excluded.version_id`,
        updatedAt: sql`case when model_aliases.version_id = excluded.version_id
          then model_aliases.updated_at else excluded.updated_at end`,
      },
    })
    .returning();
  return row && { ...row, version };
}

export async function deleteAlias(db: Db, modelId: string, alias: string): Promise<boolean> {
  const deleted = await db
    .delete(modelAliases)
    .where(isNamed(modelId, alias))
    .returning({ alias: modelAliases.alias });
  return deleted.length > 0;
}
