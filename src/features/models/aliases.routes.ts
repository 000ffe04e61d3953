import { createRoute, errors, IdParam, json, jsonBody, noContent, signedIn, z } from "#http/contract";
import { createRouter } from "#http/router";
import { AliasParams, ModelAlias, SetAlias } from "./aliases.schema.ts";
import * as service from "./aliases.service.ts";

export const aliasRoutes = createRouter();
const tags = ["Models"];
const security = signedIn;

aliasRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/models/{id}/aliases",
    tags,
    security,
    summary: "List a model's aliases by name",
    request: { params: IdParam },
    responses: { 200: json(z.array(ModelAlias), "All aliases"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await service.listAliases(c.var.ctx, c.req.valid("param").id), 200),
);

aliasRoutes.openapi(
  createRoute({
    method: "put",
    path: "/api/models/{id}/aliases/{alias}",
    tags,
    security,
    summary: "Give a version a name",
    description:
      "The version that had it before loses it. Wherever a version is asked for, `@name` finds it.",
    request: { params: AliasParams, body: jsonBody(SetAlias) },
    responses: { 200: json(ModelAlias, "The alias"), ...errors(400, 401, 403, 404, 409, 415, 422) },
  }),
  async (c) => {
    const { id, alias } = c.req.valid("param");
    return c.json(await service.putAlias(c.var.ctx, id, alias, c.req.valid("json").version), 200);
  },
);

aliasRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/api/models/{id}/aliases/{alias}",
    tags,
    security,
    summary: "Take a name from a version",
    request: { params: AliasParams },
    responses: { 204: noContent, ...errors(401, 403, 404) },
  }),
  async (c) => {
    const { id, alias } = c.req.valid("param");
    await service.deleteAlias(c.var.ctx, id, alias);
    return c.body(null, 204);
  },
);
