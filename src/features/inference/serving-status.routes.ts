import { createRoute, json } from "#http/contract";
import { createRouter } from "#http/router";
import { CacheStatus, InferenceStatus, PoolsStatus } from "./serving-status.schema.ts";
import { getCacheStatus, getInferenceStatus, getPoolsStatus } from "./serving-status.service.ts";

export const servingStatusRoutes = createRouter();
const tags = ["Status"];

servingStatusRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/status/inference",
    tags,
    summary: "Serving as a whole",
    description: "At most five seconds old.",
    responses: { 200: json(InferenceStatus, "Defaults and sums over all running endpoints") },
  }),
  async (c) => c.json(await getInferenceStatus(c.var.ctx), 200),
);

servingStatusRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/status/pool",
    tags,
    summary: "Load and capacity of the model pools",
    description: "At most five seconds old.",
    responses: { 200: json(PoolsStatus, "Sums over all running endpoints") },
  }),
  async (c) => c.json(await getPoolsStatus(c.var.ctx), 200),
);

servingStatusRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/status/cache",
    tags,
    summary: "The key-value store",
    responses: { 200: json(CacheStatus, "Whether there is one") },
  }),
  (c) => c.json(getCacheStatus(), 200),
);
