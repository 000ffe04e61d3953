import { createRoute, errors, IdParam, json, jsonBody, nextLink, signedIn, z } from "#http/contract";
import { download, signedDownload } from "#http/download";
import { createRouter } from "#http/router";
import { multipartUpload, rawUpload, safeFileName } from "#http/upload";
import { DownloadUrl, ModelVersion, UpdateVersion, VersionParams, VersionsQuery } from "./versions.schema.ts";
import * as service from "./versions.service.ts";

export const versionRoutes = createRouter();
const tags = ["Models"];
const security = signedIn;

versionRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/models/{id}/versions",
    tags,
    security,
    summary: "List versions, highest number first",
    request: { params: IdParam, query: VersionsQuery },
    responses: { 200: json(z.array(ModelVersion), "One page of versions"), ...errors(401, 403, 404, 422) },
  }),
  async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const { items, next } = await service.listVersions(c.var.ctx, c.req.valid("param").id, limit, cursor);
    return c.json(items, 200, nextLink(c.req.url, next));
  },
);

const binary = { "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) } };

/** What a download may answer besides its refusals. */
export const fileResponses = {
  200: { description: "The file", content: binary },
  206: { description: "The range asked for", content: binary },
  304: { description: "Unchanged" },
};

versionRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/models/{id}/versions",
    tags,
    security,
    summary: "Upload a version as a form",
    description: "The file is streamed to storage; its size and SHA-256 are recorded.",
    request: {
      params: IdParam,
      body: {
        content: {
          "multipart/form-data": {
            // Plain JSON schema, not zod: the body is streamed, so nothing may parse it up front.
            schema: {
              type: "object",
              required: ["file"],
              properties: {
                file: { type: "string", format: "binary" },
                metrics: { type: "string", description: "A JSON object." },
                training_run_id: { type: "string", format: "uuid" },
              },
            },
          },
        },
      },
    },
    responses: { 201: json(ModelVersion, "The new version"), ...errors(400, 401, 403, 404, 413, 415, 422) },
  }),
  async (c) => {
    const { ctx } = c.var;
    const upload = multipartUpload(c.req.raw, ctx.settings.maxUploadBytes);
    return c.json(await service.uploadVersion(ctx, c.req.valid("param").id, upload), 201);
  },
);

const RawUploadQuery = z.object({ filename: z.string().max(255).optional() });

versionRoutes.openapi(
  createRoute({
    method: "put",
    path: "/api/models/{id}/versions",
    tags,
    security,
    summary: "Upload a version as the raw body",
    request: { params: IdParam, query: RawUploadQuery, body: { content: binary } },
    responses: { 201: json(ModelVersion, "The new version"), ...errors(400, 401, 403, 404, 413, 415, 422) },
  }),
  async (c) => {
    const { ctx } = c.var;
    const fileName = safeFileName(c.req.valid("query").filename, "model.bin");
    const upload = rawUpload(c.req.raw, ctx.settings.maxUploadBytes, fileName);
    return c.json(await service.uploadVersion(ctx, c.req.valid("param").id, upload), 201);
  },
);

versionRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/models/{id}/versions/{version}",
    tags,
    security,
    summary: "Get a version",
    request: { params: VersionParams },
    responses: { 200: json(ModelVersion, "The version"), ...errors(401, 403, 404) },
  }),
  async (c) => {
    const { id, version } = c.req.valid("param");
    return c.json(await service.getVersion(c.var.ctx, id, version), 200);
  },
);

versionRoutes.openapi(
  createRoute({
    method: "patch",
    path: "/api/models/{id}/versions/{version}",
    tags,
    security,
    summary: "Change what is said of a version",
    request: { params: VersionParams, body: jsonBody(UpdateVersion) },
    responses: { 200: json(ModelVersion, "The version"), ...errors(400, 401, 403, 404, 415, 422) },
  }),
  async (c) => {
    const { id, version } = c.req.valid("param");
    return c.json(await service.updateVersion(c.var.ctx, id, version, c.req.valid("json")), 200);
  },
);

versionRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/models/{id}/versions/{version}/download",
    tags,
    security,
    summary: "Download a version's file",
    description: "Answers `Range`, `If-None-Match` and `If-Range`; the `ETag` is the file's SHA-256.",
    request: { params: VersionParams },
    responses: { ...fileResponses, ...errors(401, 403, 404, 416) },
  }),
  async (c) => {
    const { id, version } = c.req.valid("param");
    const file = await service.getVersionForServing(c.var.ctx, id, version);
    return download(c.req.raw, c.var.ctx.blobs, { ...file, contentType: "application/octet-stream" });
  },
);

versionRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/models/{id}/versions/{version}/download-url",
    tags,
    security,
    summary: "Get an address of a version's file",
    description:
      "Of the store's own where it is an S3 store; whoever has that needs nothing else for five minutes. Else the path of the download.",
    request: { params: VersionParams },
    responses: { 200: json(DownloadUrl, "Where it is"), ...errors(401, 403, 404) },
  }),
  async (c) => {
    const { ctx } = c.var;
    const { id, version } = c.req.valid("param");
    const row = await service.getVersionForServing(ctx, id, version);
    const file = { ...row, contentType: "application/octet-stream" };
    const signed = await signedDownload(ctx.partUploads, file, ctx.now);
    const plain = `/api/models/${id}/versions/${row.version}/download`;
    const answer = { url: signed?.url ?? plain, expires_at: signed?.expiresAt.toISOString() ?? null };
    return c.json({ ...answer, straight_to_storage: signed !== undefined }, 200);
  },
);
