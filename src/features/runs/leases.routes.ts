import { createRoute, agentToken, errors, IdParam, json, jsonBody, noContent, z } from "#http/contract";
import { download } from "#http/download";
import { createRouter } from "#http/router";
import { rawUpload } from "#http/upload";
import { ModelVersion } from "../models/index.ts";
import { Claim, Claimed, Report } from "./leases.schema.ts";
import * as service from "./leases.service.ts";

/** What agents call, with their own token, for the runs they hold. */
export const leaseRoutes = createRouter();
const tags = ["Agents' work"];
const security = agentToken;

leaseRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/training/leases",
    tags,
    security,
    summary: "Heartbeat: keep what one holds, ask for more",
    request: { body: jsonBody(Claim) },
    responses: {
      200: json(Claimed, "A run to work on, if there is one"),
      ...errors(400, 401, 403, 409, 415, 422),
    },
  }),
  async (c) => c.json(await service.claim(c.var.ctx, c.req.valid("json")), 200),
);

leaseRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/training/leases/{id}/dataset",
    tags,
    security,
    summary: "Download the run's dataset",
    request: { params: IdParam },
    responses: { 200: { description: "The file" }, ...errors(401, 403, 404, 409) },
  }),
  async (c) => {
    const file = await service.getLeaseDataset(c.var.ctx, c.req.valid("param").id);
    return download(c.req.raw, c.var.ctx.blobs, { ...file, contentType: "application/octet-stream" });
  },
);

leaseRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/training/leases/{id}/file",
    tags,
    security,
    summary: "Download a file the run's command asked for",
    request: { params: IdParam, query: z.object({ as: z.string().max(512).default("") }) },
    responses: { 200: { description: "The file" }, ...errors(401, 403, 404, 409, 422) },
  }),
  async (c) => {
    const file = await service.getLeaseFile(c.var.ctx, c.req.valid("param").id, c.req.valid("query").as);
    return download(c.req.raw, c.var.ctx.blobs, { ...file, contentType: "application/octet-stream" });
  },
);

const MetricsHeader = z.object({
  "x-model-metrics": z
    .string()
    .max(4000)
    .optional()
    .openapi({ description: "Final figures, a JSON object." }),
});

leaseRoutes.openapi(
  createRoute({
    method: "put",
    path: "/api/training/leases/{id}/model",
    tags,
    security,
    summary: "Upload the trained model as the raw body",
    request: {
      params: IdParam,
      headers: MetricsHeader,
      body: { content: { "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) } } },
    },
    responses: {
      201: json(ModelVersion, "The registered version"),
      ...errors(400, 401, 403, 404, 409, 413, 422),
    },
  }),
  async (c) => {
    const { ctx } = c.var;
    const upload = rawUpload(c.req.raw, ctx.settings.maxUploadBytes, "model.onnx");
    const metrics = c.req.valid("header")["x-model-metrics"];
    return c.json(await service.uploadResult(ctx, c.req.valid("param").id, metrics, upload), 201);
  },
);

leaseRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/training/leases/{id}/report",
    tags,
    security,
    summary: "Report how a run ended",
    request: { params: IdParam, body: jsonBody(Report) },
    responses: { 204: noContent, ...errors(400, 401, 403, 404, 409, 415, 422) },
  }),
  async (c) => {
    await service.report(c.var.ctx, c.req.valid("param").id, c.req.valid("json"));
    return c.body(null, 204);
  },
);
