import { createRoute, json } from "#http/contract";
import { createRouter } from "#http/router";
import { getHealth } from "./health.service.ts";
import { Health } from "./status.schema.ts";

export const statusRoutes = createRouter();
const responses = {
  200: json(Health, "All is well"),
  503: json(Health, "Something it stands on does not answer"),
};

for (const path of ["/health", "/api/health"] as const) {
  statusRoutes.openapi(
    createRoute({ method: "get", path, tags: ["Status"], summary: "Health of the deployment", responses }),
    async (c) => {
      const health = await getHealth(c.var.ctx);
      return c.json(health, health.status === "healthy" ? 200 : 503);
    },
  );
}
