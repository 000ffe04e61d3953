import type { MiddlewareHandler } from "hono";
import { createRoute, errors, json, jsonBody, signedIn, z } from "#http/contract";
import type { AppEnv } from "#http/context";
import { createRouter } from "#http/router";
import { VERSION } from "../../kernel/version.ts";
import { EndpointName } from "./endpoints.schema.ts";
import { binaryTensors } from "./inference.errors.ts";
import {
  InferRequest,
  InferResponse,
  Live,
  ModelMetadata,
  ModelReady,
  Ready,
  ServerMetadata,
} from "./open-inference.schema.ts";
import * as service from "./open-inference.service.ts";

/** The Open Inference Protocol over HTTP, which most clients of model servers speak. */
export const openInferenceRoutes = createRouter();
const tags = ["Open Inference Protocol"];
const security = signedIn;

openInferenceRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v2",
    tags,
    summary: "What this server is",
    responses: { 200: json(ServerMetadata, "Its name and version") },
  }),
  (c) => c.json({ name: "myelin", version: VERSION, extensions: [] }, 200),
);

openInferenceRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v2/health/live",
    tags,
    summary: "Whether the server lives",
    responses: { 200: json(Live, "It does") },
  }),
  (c) => c.json({ live: true }, 200),
);

openInferenceRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v2/health/ready",
    tags,
    summary: "Whether the server takes calls",
    responses: { 200: json(Ready, "It does"), ...errors(503) },
  }),
  async (c) => {
    await service.checkReady(c.var.ctx);
    return c.json({ ready: true }, 200);
  },
);

/** Clients of the protocol send JSON without saying so; what they say of a binary part is refused, not misread. */
const jsonWithoutSaying: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.req.header("inference-header-content-length") !== undefined) throw binaryTensors();
  const type = c.req.header("content-type");
  if (type === undefined || type === "application/octet-stream") {
    const headers = new Headers(c.req.raw.headers);
    headers.set("content-type", "application/json");
    c.req.raw = new Request(c.req.raw, { headers });
  }
  await next();
};

const Name = z.object({ name: EndpointName });
const Versioned = Name.extend({
  version: z
    .string()
    .regex(/^\d{1,10}$/)
    .openapi({
      param: { name: "version", in: "path" },
      example: "1",
      description: "The one that is served.",
    }),
});
const refusals = errors(401, 403, 404, 409, 422, 503);

for (const [params, path] of [
  [Name, "/v2/models/{name}"],
  [Versioned, "/v2/models/{name}/versions/{version}"],
] as const) {
  const versionOf = (given: z.infer<typeof Name>) => ("version" in given ? String(given.version) : undefined);

  openInferenceRoutes.openapi(
    createRoute({
      method: "get",
      path,
      tags,
      security,
      summary: "What a running endpoint takes and gives",
      request: { params },
      responses: { 200: json(ModelMetadata, "Its tensors"), ...refusals },
    }),
    async (c) => {
      const given = c.req.valid("param");
      return c.json(await service.modelMetadata(c.var.ctx, given.name, versionOf(given)), 200);
    },
  );

  openInferenceRoutes.openapi(
    createRoute({
      method: "get",
      path: `${path}/ready`,
      tags,
      security,
      summary: "Whether an endpoint takes calls",
      request: { params },
      responses: { 200: json(ModelReady, "It does"), ...refusals },
    }),
    async (c) => {
      const given = c.req.valid("param");
      await service.checkModelReady(c.var.ctx, given.name, versionOf(given));
      return c.json({ name: given.name, ready: true }, 200);
    },
  );

  openInferenceRoutes.openapi(
    createRoute({
      method: "post",
      path: `${path}/infer`,
      tags,
      security,
      summary: "Run a model on named tensors",
      middleware: jsonWithoutSaying,
      request: { params, body: jsonBody(InferRequest) },
      responses: {
        200: json(InferResponse, "What the model answers"),
        ...errors(400, 401, 403, 404, 409, 413, 415, 422, 429, 501, 503),
      },
    }),
    async (c) => {
      const given = c.req.valid("param");
      const body = c.req.valid("json");
      return c.json(await service.infer(c.var.ctx, given.name, body, versionOf(given)), 200);
    },
  );
}
