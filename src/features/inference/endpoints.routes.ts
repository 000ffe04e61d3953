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
import { VersionParams } from "../models/index.ts";
import { EndpointInfo, MetricsEntry, MetricsQuery } from "./endpoint-figures.schema.ts";
import { getEndpointInfo, listMetrics } from "./endpoint-figures.service.ts";
import { startEndpoint, stopEndpoint } from "./endpoint-lifecycle.service.ts";
import { CreateEndpoint, DeployVersion, Endpoint, UpdateEndpoint } from "./endpoints.schema.ts";
import * as service from "./endpoints.service.ts";

export const endpointRoutes = createRouter();
const tags = ["Inference"];
const security = signedIn;

endpointRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/inference/endpoints",
    tags,
    security,
    summary: "List endpoints, newest first",
    request: { query: PageQuery },
    responses: { 200: json(z.array(Endpoint), "One page of endpoints"), ...errors(401, 403, 422) },
  }),
  async (c) => {
    const { items, next } = await service.listEndpoints(c.var.ctx, pageOf(c.req.valid("query")));
    return c.json(items, 200, nextLink(c.req.url, next));
  },
);

endpointRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/inference/endpoints",
    tags,
    security,
    summary: "Create a stopped endpoint",
    request: { body: jsonBody(CreateEndpoint) },
    responses: { 201: json(Endpoint, "The new endpoint"), ...errors(400, 401, 403, 404, 409, 415, 422) },
  }),
  async (c) => c.json(await service.createEndpoint(c.var.ctx, c.req.valid("json")), 201),
);

endpointRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/models/{id}/versions/{version}/deploy",
    tags,
    security,
    summary: "Create an endpoint for a version of a model",
    description:
      "An alias is followed once, now: the endpoint stays with the version when the alias moves on.",
    request: { params: VersionParams, body: jsonBody(DeployVersion) },
    responses: { 201: json(Endpoint, "The new endpoint"), ...errors(400, 401, 403, 404, 409, 415, 422) },
  }),
  async (c) => {
    const { id, version } = c.req.valid("param");
    return c.json(await service.deployVersion(c.var.ctx, id, version, c.req.valid("json")), 201);
  },
);

endpointRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/inference/endpoints/{id}",
    tags,
    security,
    summary: "Get an endpoint",
    request: { params: IdParam },
    responses: { 200: json(Endpoint, "The endpoint"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await service.getEndpoint(c.var.ctx, c.req.valid("param").id), 200),
);

endpointRoutes.openapi(
  createRoute({
    method: "put",
    path: "/api/inference/endpoints/{id}",
    tags,
    security,
    summary: "Change replicas and configuration",
    description: "A running endpoint follows at once.",
    request: { params: IdParam, body: jsonBody(UpdateEndpoint) },
    responses: { 200: json(Endpoint, "The endpoint as it is now"), ...errors(400, 401, 403, 404, 415, 422) },
  }),
  async (c) =>
    c.json(await service.updateEndpoint(c.var.ctx, c.req.valid("param").id, c.req.valid("json")), 200),
);

endpointRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/api/inference/endpoints/{id}",
    tags,
    security,
    summary: "Stop and delete an endpoint",
    request: { params: IdParam },
    responses: { 204: noContent, ...errors(401, 403, 404) },
  }),
  async (c) => {
    await service.deleteEndpoint(c.var.ctx, c.req.valid("param").id);
    return c.body(null, 204);
  },
);

endpointRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/api/inference/endpoints/{id}/delete-secure",
    tags,
    security: inPerson,
    summary: "Stop and delete an endpoint, after showing a second factor again",
    description:
      "The factor must have been shown within five minutes (`POST /api/auth/reauthenticate`); the password, for accounts without a factor.",
    request: { params: IdParam },
    responses: { 204: noContent, ...errors(401, 403, 404) },
  }),
  async (c) => {
    await service.deleteEndpointSecurely(c.var.ctx, c.req.valid("param").id);
    return c.body(null, 204);
  },
);

endpointRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/inference/endpoints/{id}/start",
    tags,
    security,
    summary: "Load the model and let calls in",
    description:
      "A model that cannot be loaded answers 422; the endpoint is then in state `error` and shown in the details.",
    request: { params: IdParam },
    responses: { 200: json(Endpoint, "The running endpoint"), ...errors(401, 403, 404, 409, 422) },
  }),
  async (c) => c.json(await startEndpoint(c.var.ctx, c.req.valid("param").id), 200),
);

endpointRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/inference/endpoints/{id}/stop",
    tags,
    security,
    summary: "Let no more calls in",
    description: "Waits up to ten seconds for the calls under way.",
    request: { params: IdParam },
    responses: { 200: json(Endpoint, "The stopped endpoint"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await stopEndpoint(c.var.ctx, c.req.valid("param").id), 200),
);

endpointRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/inference/endpoints/{id}/metrics",
    tags,
    security,
    summary: "Figures of an endpoint: now, and by the minute",
    description:
      "The first entry is the live snapshot when the endpoint runs. Minutes without calls are left out.",
    request: { params: IdParam, query: MetricsQuery },
    responses: {
      200: json(z.array(MetricsEntry), "Live snapshot and stored minutes"),
      ...errors(401, 403, 404, 422),
    },
  }),
  async (c) => c.json(await listMetrics(c.var.ctx, c.req.valid("param").id, c.req.valid("query").limit), 200),
);

endpointRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/inference/endpoints/{id}/info",
    tags,
    security,
    summary: "What an endpoint serves and how it is doing",
    request: { params: IdParam },
    responses: { 200: json(EndpointInfo, "Model, load and figures"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await getEndpointInfo(c.var.ctx, c.req.valid("param").id), 200),
);
