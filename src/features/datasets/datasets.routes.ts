import {
  createRoute,
  errors,
  IdParam,
  json,
  nextLink,
  noContent,
  PageQuery,
  pageOf,
  signedIn,
  z,
} from "#http/contract";
import { download } from "#http/download";
import { createRouter } from "#http/router";
import { multipartUpload } from "#http/upload";
import { Dataset } from "./datasets.schema.ts";
import * as service from "./datasets.service.ts";

export const datasetRoutes = createRouter();
const tags = ["Datasets"];
const security = signedIn;

datasetRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/datasets",
    tags,
    security,
    summary: "List datasets, newest first",
    request: { query: PageQuery },
    responses: { 200: json(z.array(Dataset), "One page of datasets"), ...errors(401, 403, 422) },
  }),
  async (c) => {
    const { items, next } = await service.listDatasets(c.var.ctx, pageOf(c.req.valid("query")));
    return c.json(items, 200, nextLink(c.req.url, next));
  },
);

datasetRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/datasets",
    tags,
    security,
    summary: "Upload a dataset",
    request: {
      body: {
        content: {
          "multipart/form-data": {
            // Plain JSON schema, not zod: the body is streamed, so nothing may parse it up front.
            schema: {
              type: "object",
              required: ["file", "name"],
              properties: {
                file: { type: "string", format: "binary" },
                name: { type: "string", maxLength: 200 },
                description: { type: "string" },
                dataset_type: { type: "string", enum: ["image", "tabular", "text", "audio", "custom"] },
                target_column: { type: "string" },
              },
            },
          },
        },
      },
    },
    responses: { 201: json(Dataset, "The new dataset"), ...errors(400, 401, 403, 413, 415, 422) },
  }),
  async (c) => {
    const { ctx } = c.var;
    const upload = multipartUpload(c.req.raw, ctx.settings.maxUploadBytes);
    return c.json(await service.uploadDataset(ctx, upload), 201);
  },
);

datasetRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/datasets/{id}",
    tags,
    security,
    summary: "Get a dataset",
    request: { params: IdParam },
    responses: { 200: json(Dataset, "The dataset"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await service.getDataset(c.var.ctx, c.req.valid("param").id), 200),
);

datasetRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/datasets/{id}/download",
    tags,
    security,
    summary: "Download a dataset's file",
    description: "Answers `Range`, `If-None-Match` and `If-Range`; the `ETag` is the file's SHA-256.",
    request: { params: IdParam },
    responses: {
      200: { description: "The file" },
      206: { description: "The range asked for" },
      304: { description: "Unchanged" },
      ...errors(401, 403, 404, 416),
    },
  }),
  async (c) => {
    const file = await service.getDatasetFile(c.var.ctx, c.req.valid("param").id);
    const contentType = /\.csv$/i.test(file.fileName)
      ? "text/csv; charset=utf-8"
      : "application/octet-stream";
    return download(c.req.raw, c.var.ctx.blobs, { ...file, contentType });
  },
);

datasetRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/api/datasets/{id}",
    tags,
    security,
    summary: "Delete a dataset",
    request: { params: IdParam },
    responses: { 204: noContent, ...errors(401, 403, 404) },
  }),
  async (c) => {
    await service.deleteDataset(c.var.ctx, c.req.valid("param").id);
    return c.body(null, 204);
  },
);
