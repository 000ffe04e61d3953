import { createRoute, errors, IdParam, inPerson, json, noContent, signedIn } from "#http/contract";
import { createRouter } from "#http/router";
import { IcTokenState, IssuedIcToken, RegeneratedIcToken } from "./ic-tokens.schema.ts";
import * as service from "./ic-tokens.service.ts";

export const icTokenRoutes = createRouter();
const tags = ["Agents"];

icTokenRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/agents/{id}/ic-token",
    tags,
    security: signedIn,
    summary: "Tell whether an agent has a token",
    request: { params: IdParam },
    responses: { 200: json(IcTokenState, "Whether, and since when"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await service.getIcToken(c.var.ctx, c.req.valid("param").id), 200),
);

icTokenRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/agents/{id}/ic-token",
    tags,
    security: inPerson,
    summary: "Issue a token to an agent that has none",
    request: { params: IdParam },
    responses: { 201: json(IssuedIcToken, "The token, shown this once"), ...errors(401, 403, 404, 409) },
  }),
  async (c) => c.json(await service.issueIcToken(c.var.ctx, c.req.valid("param").id), 201),
);

icTokenRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/agents/{id}/ic-token/regenerate",
    tags,
    security: inPerson,
    summary: "Replace an agent's token",
    description: "The old one stops working at once.",
    request: { params: IdParam },
    responses: { 200: json(RegeneratedIcToken, "The token, shown this once"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await service.regenerateIcToken(c.var.ctx, c.req.valid("param").id), 200),
);

icTokenRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/api/agents/{id}/ic-token",
    tags,
    security: signedIn,
    summary: "Revoke an agent's token",
    request: { params: IdParam },
    responses: { 204: noContent, ...errors(401, 403, 404) },
  }),
  async (c) => {
    await service.revokeIcToken(c.var.ctx, c.req.valid("param").id);
    return c.body(null, 204);
  },
);
