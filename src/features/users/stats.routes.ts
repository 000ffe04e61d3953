import { createRoute, errors, json, signedIn } from "#http/contract";
import { createRouter } from "#http/router";
import { AdminStats } from "./stats.schema.ts";
import { getStats } from "./stats.service.ts";

export const statsRoutes = createRouter();

statsRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/admin/stats",
    tags: ["Administration"],
    security: signedIn,
    summary: "Count what there is",
    responses: { 200: json(AdminStats, "The totals of the whole deployment"), ...errors(401, 403) },
  }),
  async (c) => c.json(await getStats(c.var.ctx), 200),
);
