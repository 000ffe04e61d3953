import { createRoute, errors, json, signedIn } from "#http/contract";
import { createRouter } from "#http/router";
import { SystemBenchmark } from "./benchmark.schema.ts";
import { runBenchmark } from "./benchmark.service.ts";
import { SystemCorrelation } from "./correlation.schema.ts";
import { getCorrelation } from "./correlation.service.ts";
import { SystemGpus } from "./gpus.schema.ts";
import { HistoryQuery, SystemHistory } from "./history.schema.ts";
import { getHistory } from "./history.service.ts";
import { getGpus, getInfo } from "./host.service.ts";
import { SystemInfo } from "./info.schema.ts";
import { AgentQuery } from "./member.schema.ts";
import { SystemMetrics } from "./metrics.schema.ts";
import { getMetrics } from "./metrics.service.ts";

export const systemRoutes = createRouter();
const tags = ["System"];
const security = signedIn;
const request = { query: AgentQuery };
const refusals = errors(401, 403, 404, 422);

systemRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/system/info",
    tags,
    security,
    summary: "What your machines are",
    request,
    responses: { 200: json(SystemInfo, "Nulls and empty lists without a connected agent"), ...refusals },
  }),
  async (c) => c.json(await getInfo(c.var.ctx, c.req.valid("query").agent_id), 200),
);

systemRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/system/metrics",
    tags,
    security,
    summary: "How your machines are at this moment",
    request,
    responses: { 200: json(SystemMetrics, "Nulls and empty lists without a connected agent"), ...refusals },
  }),
  async (c) => c.json(await getMetrics(c.var.ctx, c.req.valid("query").agent_id), 200),
);

systemRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/system/metrics/history",
    tags,
    security,
    summary: "How they were",
    request: { query: HistoryQuery },
    responses: { 200: json(SystemHistory, "Columns of equal length"), ...refusals },
  }),
  async (c) => c.json(await getHistory(c.var.ctx, c.req.valid("query")), 200),
);

systemRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/system/gpus",
    tags,
    security,
    summary: "The GPUs they have",
    request,
    responses: { 200: json(SystemGpus, "The GPUs of connected agents"), ...refusals },
  }),
  async (c) => c.json(await getGpus(c.var.ctx, c.req.valid("query").agent_id), 200),
);

systemRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/system/correlation",
    tags,
    security,
    summary: "How CPU, memory and running time of their processes go together",
    request,
    responses: { 200: json(SystemCorrelation, "Processes and statistics"), ...refusals },
  }),
  async (c) => c.json(await getCorrelation(c.var.ctx, c.req.valid("query").agent_id), 200),
);

systemRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/system/benchmark",
    tags,
    security,
    summary: "Measure one of your machines, or all",
    description:
      "Takes some seconds, at most 20 on each machine. Without `agent_id`, your own agents measure at once.",
    request,
    responses: {
      200: json(SystemBenchmark, "What was measured"),
      ...errors(401, 403, 404, 409, 422, 501, 502, 503),
    },
  }),
  async (c) => c.json(await runBenchmark(c.var.ctx, c.req.valid("query").agent_id), 200),
);
