import { createRoute, errors, json, signedIn, z } from "#http/contract";
import { createRouter } from "#http/router";
import { Builtin, BuiltinHit, Dataset } from "./datasets.schema.ts";
import * as service from "./datasets.service.ts";

export const builtinRoutes = createRouter();
const tags = ["Built-in datasets"];
const security = signedIn;
const BuiltinParam = z.object({ id: z.string().min(1).max(100) });
const Source = z.string().max(50).optional();

builtinRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/builtin-datasets",
    tags,
    security,
    summary: "The catalogue",
    request: { query: z.object({ source: Source }) },
    responses: { 200: json(z.array(Builtin), "All entries"), ...errors(401, 403, 422) },
  }),
  (c) => c.json(service.listBuiltins(c.var.ctx, c.req.valid("query").source), 200),
);

const SearchQuery = z.object({
  query: z.string().min(1).max(200),
  source: Source,
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

builtinRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/builtin-datasets/search",
    tags,
    security,
    summary: "Search the catalogue",
    request: { query: SearchQuery },
    responses: { 200: json(z.array(BuiltinHit), "Matching entries"), ...errors(401, 403, 422) },
  }),
  (c) => {
    const { query, limit, source } = c.req.valid("query");
    return c.json(service.searchBuiltins(c.var.ctx, query, limit, source), 200);
  },
);

const SourceInfo = z
  .object({ id: z.string(), name: z.string(), description: z.string(), dataset_count: z.string() })
  .openapi("DatasetSource");

builtinRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/builtin-datasets/sources",
    tags,
    security,
    summary: "The catalogues that can be searched",
    responses: { 200: json(z.array(SourceInfo), "Sources"), ...errors(401, 403) },
  }),
  (c) => c.json(service.listSources(c.var.ctx), 200),
);

builtinRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/builtin-datasets/{id}",
    tags,
    security,
    summary: "One catalogue entry",
    request: { params: BuiltinParam },
    responses: { 200: json(Builtin, "The entry"), ...errors(401, 403, 404) },
  }),
  (c) => c.json(service.getBuiltin(c.var.ctx, c.req.valid("param").id), 200),
);

builtinRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/builtin-datasets/{id}/prepare",
    tags,
    security,
    summary: "Copy a shipped dataset into a dataset of yours",
    request: { params: BuiltinParam },
    responses: { 201: json(Dataset, "The new dataset"), ...errors(401, 403, 404, 501) },
  }),
  async (c) => c.json(await service.prepareBuiltin(c.var.ctx, c.req.valid("param").id), 201),
);
