import { createRoute, errors, IdParam, json, nextLink, pageOf, z } from "#http/contract";
import { download } from "#http/download";
import { createRouter } from "#http/router";
import { Model, ModelsQuery } from "./models.schema.ts";
import { PublicVersion } from "./public-models.schema.ts";
import * as service from "./public-models.service.ts";
import { fileResponses } from "./versions.routes.ts";
import { VersionParams, VersionsQuery } from "./versions.schema.ts";

export const publicModelRoutes = createRouter();
const tags = ["Models"];

publicModelRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/public/models",
    tags,
    summary: "List public models, newest first",
    description: "For anybody. Whoever is signed in finds his own among them, private ones too.",
    request: { query: ModelsQuery },
    responses: { 200: json(z.array(Model), "One page of models"), ...errors(422) },
  }),
  async (c) => {
    const query = c.req.valid("query");
    const { items, next } = await service.listPublicModels(c.var.ctx, query, pageOf(query));
    return c.json(items, 200, nextLink(c.req.url, next));
  },
);

publicModelRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/public/models/{id}",
    tags,
    summary: "Get a public model",
    request: { params: IdParam },
    responses: { 200: json(Model, "The model"), ...errors(404) },
  }),
  async (c) => c.json(await service.getPublicModel(c.var.ctx, c.req.valid("param").id), 200),
);

publicModelRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/public/models/{id}/versions",
    tags,
    summary: "List a public model's versions, highest number first",
    request: { params: IdParam, query: VersionsQuery },
    responses: { 200: json(z.array(PublicVersion), "One page of versions"), ...errors(404, 422) },
  }),
  async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const { id } = c.req.valid("param");
    const { items, next } = await service.listPublicVersions(c.var.ctx, id, limit, cursor);
    return c.json(items, 200, nextLink(c.req.url, next));
  },
);

publicModelRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/public/models/{id}/versions/{version}/download",
    tags,
    summary: "Download the file of a public model's version",
    description: "Answers `Range`, `If-None-Match` and `If-Range`; the `ETag` is the file's SHA-256.",
    request: { params: VersionParams },
    responses: { ...fileResponses, ...errors(404, 416) },
  }),
  async (c) => {
    const { id, version } = c.req.valid("param");
    const file = await service.getPublicFile(c.var.ctx, id, version);
    return download(c.req.raw, c.var.ctx.blobs, { ...file, contentType: "application/octet-stream" });
  },
);
