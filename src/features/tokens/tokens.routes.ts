import {
  createRoute,
  errors,
  IdParam,
  inPerson,
  json,
  jsonBody,
  nextLink,
  noContent,
  PageQuery,
  pageOf,
  signedIn,
  z,
} from "#http/contract";
import { createRouter } from "#http/router";
import { ApiToken, CreateApiToken, IssuedApiToken, UpdateApiToken } from "./tokens.schema.ts";
import * as service from "./tokens.service.ts";

export const tokenRoutes = createRouter();
const tags = ["API tokens"];

tokenRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/tokens",
    tags,
    security: signedIn,
    summary: "List API tokens that are not revoked, newest first",
    request: { query: PageQuery },
    responses: { 200: json(z.array(ApiToken), "One page of tokens"), ...errors(401, 403, 422) },
  }),
  async (c) => {
    const { items, next } = await service.listTokens(c.var.ctx, pageOf(c.req.valid("query")));
    return c.json(items, 200, nextLink(c.req.url, next));
  },
);

tokenRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/tokens",
    tags,
    security: inPerson,
    summary: "Make an API token",
    request: { body: jsonBody(CreateApiToken) },
    responses: {
      201: json(IssuedApiToken, "The token, shown this once"),
      ...errors(400, 401, 403, 409, 415, 422),
    },
  }),
  async (c) => c.json(await service.createToken(c.var.ctx, c.req.valid("json")), 201),
);

tokenRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/tokens/{id}",
    tags,
    security: signedIn,
    summary: "Get an API token",
    request: { params: IdParam },
    responses: { 200: json(ApiToken, "The token"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await service.getToken(c.var.ctx, c.req.valid("param").id), 200),
);

tokenRoutes.openapi(
  createRoute({
    method: "put",
    path: "/api/tokens/{id}",
    tags,
    security: inPerson,
    summary: "Rename an API token or narrow it",
    request: { params: IdParam, body: jsonBody(UpdateApiToken) },
    responses: { 200: json(ApiToken, "The token"), ...errors(400, 401, 403, 404, 415, 422) },
  }),
  async (c) =>
    c.json(await service.updateToken(c.var.ctx, c.req.valid("param").id, c.req.valid("json")), 200),
);

tokenRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/api/tokens/{id}",
    tags,
    security: inPerson,
    summary: "Revoke an API token",
    description: "One's own; administrators anybody's. A revoked token is not found any more.",
    request: { params: IdParam },
    responses: { 204: noContent, ...errors(401, 403, 404) },
  }),
  async (c) => {
    await service.revokeToken(c.var.ctx, c.req.valid("param").id);
    return c.body(null, 204);
  },
);

tokenRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/tokens/{id}/rotate",
    tags,
    security: inPerson,
    summary: "Give an API token a new secret",
    description: "The old one stops working at once.",
    request: { params: IdParam },
    responses: { 200: json(IssuedApiToken, "The token, shown this once"), ...errors(401, 403, 404, 409) },
  }),
  async (c) => c.json(await service.rotateToken(c.var.ctx, c.req.valid("param").id), 200),
);
