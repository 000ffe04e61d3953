import { and, eq, lt, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { behind, newestFirst } from "#db/page";
import { type EndpointRow, endpoints, modelVersions } from "#db/schema";
import type { Scope } from "../../kernel/actor.ts";
import type { Page } from "../../kernel/page.ts";

const owned = (scope: Scope) => (scope === null ? undefined : eq(endpoints.ownerId, scope));
const mine = (scope: Scope, id: string) => and(eq(endpoints.id, id), owned(scope));

/** Newest first, one row more than asked for. */
export function listEndpoints(db: Db, scope: Scope, { limit, after }: Page): Promise<EndpointRow[]> {
  return db
    .select()
    .from(endpoints)
    .where(and(owned(scope), behind(endpoints, after)))
    .orderBy(...newestFirst(endpoints))
    .limit(limit + 1);
}

/** Whether the database answers, without which nothing cold can be served. */
export async function answers(db: Db): Promise<boolean> {
  try {
    await db.execute(sql`select 1`);
    return true;
  } catch {
    return false;
  }
}

export async function findEndpoint(db: Db, scope: Scope, id: string): Promise<EndpointRow | undefined> {
  const [row] = await db.select().from(endpoints).where(mine(scope, id));
  return row;
}

/** An endpoint by its public name, whoever owns it (the caller is checked against `ownerId`), with its version's number. */
export async function findByName(
  db: Db,
  name: string,
): Promise<(EndpointRow & { version: number }) | undefined> {
  const [row] = await db
    .select({ endpoint: endpoints, version: modelVersions.version })
    .from(endpoints)
    .innerJoin(modelVersions, eq(modelVersions.id, endpoints.modelVersionId))
    .where(eq(endpoints.name, name));
  return row && { ...row.endpoint, version: row.version };
}

export type ServingEndpoint = Pick<EndpointRow, "id" | "ownerId" | "name" | "status">;

/** Every endpoint of a model, or of one version of it, whoever owns it; by name. */
export function listServing(db: Db, modelId: string, versionId?: string): Promise<ServingEndpoint[]> {
  const { id, ownerId, name, status } = endpoints;
  const ofVersion = versionId === undefined ? undefined : eq(modelVersions.id, versionId);
  return db
    .select({ id, ownerId, name, status })
    .from(endpoints)
    .innerJoin(modelVersions, eq(modelVersions.id, endpoints.modelVersionId))
    .where(and(eq(modelVersions.modelId, modelId), ofVersion))
    .orderBy(endpoints.name);
}

/** `undefined` when the name is taken. */
export async function insertEndpoint(
  db: Db,
  endpoint: Pick<EndpointRow, "ownerId" | "modelVersionId" | "name" | "port" | "replicas" | "config">,
): Promise<EndpointRow | undefined> {
  const [row] = await db
    .insert(endpoints)
    .values(endpoint)
    .onConflictDoNothing({ target: endpoints.name })
    .returning();
  return row;
}

export async function updateEndpoint(
  db: Db,
  scope: Scope,
  id: string,
  change: Partial<Pick<EndpointRow, "replicas" | "config">>,
  now: Date,
): Promise<EndpointRow | undefined> {
  const [row] = await db
    .update(endpoints)
    .set({ ...change, updatedAt: now })
    .where(mine(scope, id))
    .returning();
  return row;
}

export async function setStatus(
  db: Db,
  scope: Scope,
  id: string,
  status: "stopped" | "starting",
  now: Date,
): Promise<EndpointRow | undefined> {
  const [row] = await db
    .update(endpoints)
    .set({ status, errorMessage: null, updatedAt: now })
    .where(mine(scope, id))
    .returning();
  return row;
}

/** Ends a start, if it is still the one begun at `startedAt`: a stop or another start in between wins. */
export async function finishStart(
  db: Db,
  { id, updatedAt: startedAt }: Pick<EndpointRow, "id" | "updatedAt">,
  outcome: { status: "running" | "error"; errorMessage: string | null },
  now: Date,
): Promise<EndpointRow | undefined> {
  const [row] = await db
    .update(endpoints)
    .set({ ...outcome, updatedAt: now })
    .where(and(eq(endpoints.id, id), eq(endpoints.status, "starting"), eq(endpoints.updatedAt, startedAt)))
    .returning();
  return row;
}

/** Starts that began before `before` and never ended: the one who ran them is gone. */
export async function failStuckStarts(db: Db, before: Date, message: string, now: Date): Promise<void> {
  await db
    .update(endpoints)
    .set({ status: "error", errorMessage: message, updatedAt: now })
    .where(and(eq(endpoints.status, "starting"), lt(endpoints.updatedAt, before)));
}

export async function deleteEndpoint(db: Db, scope: Scope, id: string): Promise<boolean> {
  const deleted = await db.delete(endpoints).where(mine(scope, id)).returning({ id: endpoints.id });
  return deleted.length > 0;
}

/** Of all owners: what is being served, without saying whose it is. */
export function listRunning(db: Db): Promise<Pick<EndpointRow, "modelVersionId" | "replicas" | "config">[]> {
  return db
    .select({
      modelVersionId: endpoints.modelVersionId,
      replicas: endpoints.replicas,
      config: endpoints.config,
    })
    .from(endpoints)
    .where(eq(endpoints.status, "running"));
}
