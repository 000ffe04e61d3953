import type { EndpointRow } from "../../db/schema.ts";
import { allow, allowPerson, scopeOf } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { type Page, type Paged, paged } from "../../kernel/page.ts";
import { requireRecentProof } from "../mfa/index.ts";
import { getVersionById, getVersionForServing } from "../models/index.ts";
import * as repo from "./endpoints.repo.ts";
import {
  type CreateEndpoint,
  type DeployVersion,
  type Endpoint,
  limitsOf,
  toEndpoint,
  type UpdateEndpoint,
} from "./endpoints.schema.ts";
import { isStuck, startEndpoint, stopEndpoint, STUCK_MS, STUCK_TEXT } from "./endpoint-lifecycle.service.ts";
import { endpointNameTaken, endpointNotFound } from "./inference.errors.ts";
import { forgetServing } from "./serving-cache.ts";

/** Rows as read, after starts that never ended were marked so in the database. */
async function truthful(
  ctx: Ctx,
  rows: EndpointRow[],
  read: () => Promise<EndpointRow[]>,
): Promise<EndpointRow[]> {
  if (!rows.some((row) => isStuck(row, ctx.now))) return rows;
  await repo.failStuckStarts(ctx.db, new Date(ctx.now.getTime() - STUCK_MS), STUCK_TEXT, ctx.now);
  return read();
}

export async function listEndpoints(ctx: Ctx, page: Page): Promise<Paged<Endpoint>> {
  const actor = allow(ctx, "endpoints:read");
  const read = () => repo.listEndpoints(ctx.db, scopeOf(actor), page);
  const { items, ...rest } = paged(await truthful(ctx, await read(), read), page.limit);
  return { items: items.map(toEndpoint), ...rest };
}

/** The caller's endpoint as it truly is. */
export async function findOwn(ctx: Ctx, id: string): Promise<EndpointRow> {
  const actor = allow(ctx, "endpoints:read");
  const read = async () => {
    const row = await repo.findEndpoint(ctx.db, scopeOf(actor), id);
    return row ? [row] : [];
  };
  const [row] = await truthful(ctx, await read(), read);
  if (!row) throw endpointNotFound();
  return row;
}

export const getEndpoint = async (ctx: Ctx, id: string): Promise<Endpoint> =>
  toEndpoint(await findOwn(ctx, id));

/** Creates a stopped endpoint for a version the caller may see; it belongs to the caller. */
export async function createEndpoint(ctx: Ctx, input: CreateEndpoint): Promise<Endpoint> {
  const actor = allow(ctx, "endpoints:write");
  const version = await getVersionById(ctx, input.model_version_id);
  const { name, port, replicas, config } = input;
  const endpoint = {
    ownerId: actor.id,
    modelVersionId: version.id,
    name,
    port,
    replicas,
    config: config ?? null,
  };
  const row = await repo.insertEndpoint(ctx.db, endpoint);
  if (!row) throw endpointNameTaken(name);
  ctx.log("info", "endpoint.created", { endpoint_id: row.id, version_id: version.id });
  return toEndpoint(row);
}

/** Creates an endpoint for a version of a model (number, id or `@alias`), and starts it when asked to. */
export async function deployVersion(
  ctx: Ctx,
  modelId: string,
  version: string,
  input: DeployVersion,
): Promise<Endpoint> {
  allow(ctx, "endpoints:write");
  const { id } = await getVersionForServing(ctx, modelId, version);
  const { start, ...rest } = input;
  const endpoint = await createEndpoint(ctx, { ...rest, model_version_id: id });
  return start ? startEndpoint(ctx, endpoint.id) : endpoint;
}

/** Changes replicas and configuration; a running endpoint follows at once. */
export async function updateEndpoint(ctx: Ctx, id: string, input: UpdateEndpoint): Promise<Endpoint> {
  const actor = allow(ctx, "endpoints:write");
  const change = {
    ...(input.replicas !== undefined && { replicas: input.replicas }),
    ...(input.config && { config: input.config }),
  };
  if (Object.keys(change).length === 0) return toEndpoint(await findOwn(ctx, id));
  const row = await repo.updateEndpoint(ctx.db, scopeOf(actor), id, change, ctx.now);
  if (!row) throw endpointNotFound();
  if (row.status === "running") await ctx.pools.of(row.modelVersionId).setLimits(row.id, limitsOf(row));
  forgetServing(row.name);
  return toEndpoint(row);
}

/** Stops an endpoint and forgets it, with its figures. */
export async function deleteEndpoint(ctx: Ctx, id: string): Promise<void> {
  const actor = allow(ctx, "endpoints:write");
  const { name } = await stopEndpoint(ctx, id);
  if (!(await repo.deleteEndpoint(ctx.db, scopeOf(actor), id))) throw endpointNotFound();
  forgetServing(name);
  ctx.log("info", "endpoint.deleted", { endpoint_id: id });
}

/** What serves a model or one of its versions, whoever owns it; the caller says what of it may be told. */
export const endpointsServing = (
  ctx: Ctx,
  modelId: string,
  versionId?: string,
): Promise<repo.ServingEndpoint[]> => repo.listServing(ctx.db, modelId, versionId);

/** Deletes an endpoint for who has just shown a second factor again, or, having none, the password. */
export async function deleteEndpointSecurely(ctx: Ctx, id: string): Promise<void> {
  const actor = allowPerson(ctx, "endpoints:write");
  await findOwn(ctx, id);
  await requireRecentProof(ctx, actor);
  await deleteEndpoint(ctx, id);
}
