import { VERSION } from "../kernel/version.ts";
import type { Router } from "./router.ts";

const INFO = {
  title: "Myelin",
  version: VERSION,
  description:
    "One serverless deployable for machine-learning teams. Lists are bare arrays; the next page is in the `Link` header. Errors have one shape: `{error, code, details?, request_id}`.",
};

/** `/openapi.json`: the contract of everything mounted on `app`. */
export function mountDocument(app: Router): void {
  const registry = app.openAPIRegistry;
  registry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description:
      "The access token of `POST /api/auth/login`. Where no API token is named beside it, only a person gets in.",
  });
  registry.registerComponent("securitySchemes", "apiToken", {
    type: "apiKey",
    in: "header",
    name: "X-API-Token",
    description: "A program's own token (`POST /api/tokens`); it may also be sent as Bearer.",
  });
  registry.registerComponent("securitySchemes", "icToken", {
    type: "apiKey",
    in: "header",
    name: "X-IC-Token",
    description: "An agent's own token.",
  });
  registry.registerComponent("securitySchemes", "runToken", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "rt_…",
    description: "What a command run's process is given: it writes to that run, until the attempt ends.",
  });
  registry.registerComponent("securitySchemes", "metricsToken", {
    type: "http",
    scheme: "bearer",
    description: "The deployment's `METRICS_TOKEN`, where it has one.",
  });
  registry.registerComponent("securitySchemes", "streamTicket", {
    type: "apiKey",
    in: "query",
    name: "ticket",
  });
  // The document never changes within a deployment, so it is made once, when first asked for.
  let document: string | undefined;
  app.get("/openapi.json", (c) => {
    document ??= JSON.stringify(
      app.getOpenAPI31Document({ openapi: "3.1.0", info: INFO, servers: [{ url: "/" }] }),
    );
    return c.body(document, 200, { "content-type": "application/json; charset=utf-8" });
  });
}
