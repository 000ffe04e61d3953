import { createRoute as createUnguardedRoute } from "@hono/zod-openapi";
import { createRoute, errors, signedIn, z } from "#http/contract";
import { createRouter } from "#http/router";
import { EXPOSITION_TYPE } from "./exposition.ts";
import { readMetrics, scrapeMetrics } from "./metrics.service.ts";

export const metricsRoutes = createRouter();
const tags = ["System"];
const headers = { "Content-Type": EXPOSITION_TYPE, "Cache-Control": "no-store" };
const responses = {
  200: {
    description: "Prometheus' text format, version 0.0.4",
    content: { "text/plain": { schema: z.string() } },
  },
  ...errors(401, 403),
};

metricsRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/metrics",
    tags,
    security: signedIn,
    summary: "The deployment's figures, for Prometheus",
    responses,
  }),
  async (c) => c.text(await readMetrics(c.var.ctx), 200, headers),
);

const bearerOf = (header: string | undefined): string | undefined => /^Bearer (.+)$/i.exec(header ?? "")?.[1];

// Unguarded, since a scraper's token makes it nobody the house knows; the verb turns away whoever has none.
metricsRoutes.openapi(
  createUnguardedRoute({
    method: "get",
    path: "/metrics",
    tags,
    security: [...signedIn, { metricsToken: [] }],
    summary: "The same, for scrapers and administrators",
    responses,
  }),
  async (c) => c.text(await scrapeMetrics(c.var.ctx, bearerOf(c.req.header("authorization"))), 200, headers),
);
