import {
  createRoute,
  errors,
  IdParam,
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
import { CreateRun, Run, STATUSES } from "./runs.schema.ts";
import * as service from "./runs.service.ts";

export const runRoutes = createRouter();
const tags = ["Training runs"];
const security = signedIn;

runRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/training/runs",
    tags,
    security,
    summary: "List runs, newest first",
    request: { query: PageQuery.extend({ status: z.enum(STATUSES).optional() }) },
    responses: { 200: json(z.array(Run), "One page of runs"), ...errors(401, 403, 422) },
  }),
  async (c) => {
    const query = c.req.valid("query");
    const { items, next } = await service.listRuns(c.var.ctx, pageOf(query), query.status);
    return c.json(items, 200, nextLink(c.req.url, next));
  },
);

runRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/training/runs",
    tags,
    security,
    summary: "Start a run",
    description: "With a dataset it is queued for an agent; without, it is yours to report to.",
    request: { body: jsonBody(CreateRun) },
    responses: { 201: json(Run, "The new run"), ...errors(400, 401, 403, 404, 415, 422) },
  }),
  async (c) => c.json(await service.createRun(c.var.ctx, c.req.valid("json")), 201),
);

runRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/training/runs/{id}",
    tags,
    security,
    summary: "Get a run",
    request: { params: IdParam },
    responses: { 200: json(Run, "The run"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await service.getRun(c.var.ctx, c.req.valid("param").id), 200),
);

runRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/api/training/runs/{id}",
    tags,
    security,
    summary: "Delete a run with its history, stopping it first",
    request: { params: IdParam },
    responses: { 204: noContent, ...errors(401, 403, 404) },
  }),
  async (c) => {
    await service.deleteRun(c.var.ctx, c.req.valid("param").id);
    return c.body(null, 204);
  },
);

runRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/training/runs/{id}/stop",
    tags,
    security,
    summary: "Stop a run",
    request: { params: IdParam },
    responses: { 200: json(Run, "The stopped run"), ...errors(401, 403, 404, 409) },
  }),
  async (c) => c.json(await service.stopRun(c.var.ctx, c.req.valid("param").id), 200),
);

const Complete = z.object({ success: z.boolean() }).openapi("CompleteRun");

runRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/training/runs/{id}/complete",
    tags,
    security,
    summary: "End a run of your own program",
    request: { params: IdParam, body: jsonBody(Complete) },
    responses: { 200: json(Run, "The ended run"), ...errors(400, 401, 403, 404, 409, 415, 422) },
  }),
  async (c) =>
    c.json(await service.completeRun(c.var.ctx, c.req.valid("param").id, c.req.valid("json").success), 200),
);
