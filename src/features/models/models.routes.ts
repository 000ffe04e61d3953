import { createRoute, errors, IdParam, json, jsonBody, nextLink, pageOf, signedIn, z } from "#http/contract";
import { createRouter } from "#http/router";
import { CreateModel, Model, ModelsQuery, UpdateModel } from "./models.schema.ts";
import * as service from "./models.service.ts";

export const modelRoutes = createRouter();
const tags = ["Models"];
const security = signedIn;

modelRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/models",
    tags,
    security,
    summary: "List models, newest first",
    request: { query: ModelsQuery },
    responses: { 200: json(z.array(Model), "One page of models"), ...errors(401, 403, 422) },
  }),
  async (c) => {
    const query = c.req.valid("query");
    const { items, next } = await service.listModels(c.var.ctx, query, pageOf(query));
    return c.json(items, 200, nextLink(c.req.url, next));
  },
);

modelRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/models",
    tags,
    security,
    summary: "Create a model",
    request: { body: jsonBody(CreateModel) },
    responses: { 201: json(Model, "The new model"), ...errors(400, 401, 403, 409, 415, 422) },
  }),
  async (c) => c.json(await service.createModel(c.var.ctx, c.req.valid("json")), 201),
);

modelRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/models/{id}",
    tags,
    security,
    summary: "Get a model",
    request: { params: IdParam },
    responses: { 200: json(Model, "The model"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await service.getModel(c.var.ctx, c.req.valid("param").id), 200),
);

modelRoutes.openapi(
  createRoute({
    method: "put",
    path: "/api/models/{id}",
    tags,
    security,
    summary: "Change what a model is called and what is said of it",
    request: { params: IdParam, body: jsonBody(UpdateModel) },
    responses: { 200: json(Model, "The model"), ...errors(400, 401, 403, 404, 409, 415, 422) },
  }),
  async (c) =>
    c.json(await service.updateModel(c.var.ctx, c.req.valid("param").id, c.req.valid("json")), 200),
);
