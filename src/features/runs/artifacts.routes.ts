import { createRoute, errors, IdParam, json, jsonBody, nextLink, signedIn, z } from "#http/contract";
import { download } from "#http/download";
import { createRouter } from "#http/router";
import { rawUpload } from "#http/upload";
import { ModelVersion } from "../models/index.ts";
import { Artifact, ArtifactsQuery, RegisterArtifact } from "./artifacts.schema.ts";
import * as service from "./artifacts.service.ts";

/** What runs leave behind. */
export const artifactRoutes = createRouter();
const tags = ["Training runs"];
const security = signedIn;

const ArtifactParams = IdParam.extend({
  path: z.string().openapi({
    param: { name: "path", in: "path" },
    description: "With `/` between folders, written `%2F`.",
  }),
});
const binary = { "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) } };

artifactRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/training/runs/{id}/artifacts",
    tags,
    security,
    summary: "List a run's artifacts, by path",
    request: { params: IdParam, query: ArtifactsQuery },
    responses: { 200: json(z.array(Artifact), "One page of artifacts"), ...errors(401, 403, 404, 422) },
  }),
  async (c) => {
    const { items, next } = await service.listArtifacts(
      c.var.ctx,
      c.req.valid("param").id,
      c.req.valid("query"),
    );
    return c.json(items, 200, nextLink(c.req.url, next));
  },
);

artifactRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/training/runs/{id}/register",
    tags,
    security,
    summary: "Make an ONNX or safetensors artifact a model version",
    request: { params: IdParam, body: jsonBody(RegisterArtifact) },
    responses: { 201: json(ModelVersion, "The version"), ...errors(400, 401, 403, 404, 415, 422) },
  }),
  async (c) =>
    c.json(await service.registerArtifact(c.var.ctx, c.req.valid("param").id, c.req.valid("json")), 201),
);

artifactRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/training/runs/{id}/artifacts/{path}",
    tags,
    security,
    summary: "Download an artifact",
    description: "Answers `Range`, `If-None-Match` and `If-Range`; the `ETag` is the file's SHA-256.",
    request: { params: ArtifactParams },
    responses: {
      200: { description: "The file", content: binary },
      206: { description: "The range asked for", content: binary },
      304: { description: "Unchanged" },
      ...errors(401, 403, 404, 416),
    },
  }),
  async (c) => {
    const { id, path } = c.req.valid("param");
    const file = await service.getArtifactFile(c.var.ctx, id, path);
    return download(c.req.raw, c.var.ctx.blobs, { ...file, contentType: "application/octet-stream" });
  },
);

const DigestHeader = z.object({
  "x-content-sha256": z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, "must be a SHA-256 in hex")
    .optional()
    .openapi({ description: "What the file must be; anything else is refused." }),
});

artifactRoutes.openapi(
  createRoute({
    method: "put",
    path: "/api/training/runs/{id}/artifacts/{path}",
    tags,
    security: [...signedIn, { icToken: [] }, { runToken: [] }],
    summary: "Upload an artifact as the raw body, in the place of what has that path",
    request: { params: ArtifactParams, headers: DigestHeader, body: { content: binary } },
    responses: {
      201: json(Artifact, "The artifact"),
      ...errors(400, 401, 403, 404, 409, 413, 415, 422, 503),
    },
  }),
  async (c) => {
    const { id, path } = c.req.valid("param");
    const upload = rawUpload(withBody(c.req.raw), c.var.ctx.settings.maxUploadBytes, path.split("/").pop()!);
    const sha256 = c.req.valid("header")["x-content-sha256"];
    return c.json(await service.putArtifact(c.var.ctx, id, path, { sha256, upload }), 201);
  },
);

/** A file may be empty, and then has no body at all. */
const withBody = (request: Request): Request =>
  request.body || request.headers.get("content-length") !== "0"
    ? request
    : new Request(request.url, { method: "PUT", headers: request.headers, body: new Uint8Array() });
