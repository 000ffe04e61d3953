import {
  createRoute,
  errors,
  IdParam,
  json,
  jsonBody,
  nextLink,
  PageQuery,
  pageOf,
  signedIn,
  z,
} from "#http/contract";
import { download } from "#http/download";
import { createRouter } from "#http/router";
import { rawUpload } from "#http/upload";
import {
  BestQuery,
  CheckpointJson,
  CheckpointMeta,
  UploadedVersion,
  UploadVersion,
} from "./checkpoints.schema.ts";
import * as service from "./checkpoints.service.ts";
import { optimizerMissing } from "./notebooks.errors.ts";
import { Checkpoint } from "./notebooks.schema.ts";

export const checkpointRoutes = createRouter();
const tags = ["Notebooks"];
const security = signedIn;
const binary = { "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) } };

const CheckpointParams = IdParam.extend({
  checkpoint_id: z
    .uuid()
    .toLowerCase()
    .openapi({ param: { name: "checkpoint_id", in: "path" } }),
});

checkpointRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/notebooks/{id}/checkpoints",
    tags,
    security,
    summary: "List checkpoints, newest first",
    request: { params: IdParam, query: PageQuery },
    responses: { 200: json(z.array(Checkpoint), "One page of checkpoints"), ...errors(401, 403, 404, 422) },
  }),
  async (c) => {
    const { id } = c.req.valid("param");
    const { items, next } = await service.listCheckpoints(c.var.ctx, id, pageOf(c.req.valid("query")));
    return c.json(items, 200, nextLink(c.req.url, next));
  },
);

checkpointRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/notebooks/{id}/checkpoints",
    tags,
    security,
    summary: "Save a small checkpoint from JSON",
    request: { params: IdParam, body: jsonBody(CheckpointJson) },
    responses: { 201: json(Checkpoint, "The new checkpoint"), ...errors(400, 401, 403, 404, 413, 415, 422) },
  }),
  async (c) =>
    c.json(await service.saveCheckpoint(c.var.ctx, c.req.valid("param").id, c.req.valid("json")), 201),
);

checkpointRoutes.openapi(
  createRoute({
    method: "put",
    path: "/api/notebooks/{id}/checkpoints",
    tags,
    security,
    summary: "Save a checkpoint with the model's state as the raw body",
    description: "The state is streamed to storage.",
    request: { params: IdParam, query: CheckpointMeta, body: { content: binary } },
    responses: { 201: json(Checkpoint, "The new checkpoint"), ...errors(400, 401, 403, 404, 413, 415, 422) },
  }),
  async (c) => {
    const { ctx } = c.var;
    const upload = rawUpload(c.req.raw, ctx.settings.maxUploadBytes, "state.bin");
    const { id } = c.req.valid("param");
    return c.json(await service.uploadCheckpoint(ctx, id, c.req.valid("query"), upload), 201);
  },
);

checkpointRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/notebooks/{id}/checkpoints/best",
    tags,
    security,
    summary: "Get the checkpoint with the best metric",
    description: "Numbers at the top of `metrics` count; of equals the older one.",
    request: { params: IdParam, query: BestQuery },
    responses: { 200: json(Checkpoint, "The checkpoint"), ...errors(401, 403, 404, 422) },
  }),
  async (c) => {
    const { metric, minimize } = c.req.valid("query");
    return c.json(await service.bestCheckpoint(c.var.ctx, c.req.valid("param").id, metric, minimize), 200);
  },
);

checkpointRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/notebooks/{id}/checkpoints/{checkpoint_id}/model",
    tags,
    security,
    summary: "Download a checkpoint's model state",
    request: { params: CheckpointParams },
    responses: {
      200: { description: "The file", content: binary },
      206: { description: "The range asked for", content: binary },
      304: { description: "Unchanged" },
      ...errors(401, 403, 404, 416),
    },
  }),
  async (c) => {
    const { id, checkpoint_id: checkpointId } = c.req.valid("param");
    const row = await service.findCheckpoint(c.var.ctx, "notebooks:read", id, checkpointId);
    const fileName = `checkpoint-${row.epoch}-${row.step}.bin`;
    return download(c.req.raw, c.var.ctx.blobs, {
      ...row,
      fileName,
      contentType: "application/octet-stream",
    });
  },
);

checkpointRoutes.openapi(
  createRoute({
    method: "put",
    path: "/api/notebooks/{id}/checkpoints/{checkpoint_id}/optimizer",
    tags,
    security,
    summary: "Add the optimizer's state to a checkpoint as the raw body",
    request: { params: CheckpointParams, body: { content: binary } },
    responses: { 200: json(Checkpoint, "The checkpoint"), ...errors(400, 401, 403, 404, 409, 413, 415, 422) },
  }),
  async (c) => {
    const { ctx } = c.var;
    const { id, checkpoint_id: checkpointId } = c.req.valid("param");
    const upload = rawUpload(c.req.raw, ctx.settings.maxUploadBytes, "optimizer.bin");
    return c.json(await service.uploadOptimizer(ctx, id, checkpointId, upload), 200);
  },
);

checkpointRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/notebooks/{id}/checkpoints/{checkpoint_id}/optimizer",
    tags,
    security,
    summary: "Download a checkpoint's optimizer state",
    request: { params: CheckpointParams },
    responses: {
      200: { description: "The file", content: binary },
      206: { description: "The range asked for", content: binary },
      304: { description: "Unchanged" },
      ...errors(401, 403, 404, 416),
    },
  }),
  async (c) => {
    const { id, checkpoint_id: checkpointId } = c.req.valid("param");
    const row = await service.findCheckpoint(c.var.ctx, "notebooks:read", id, checkpointId);
    const { optimizerBlobKey: blobKey, optimizerFileSize: fileSize, optimizerSha256: sha256 } = row;
    if (blobKey === null || fileSize === null || sha256 === null) throw optimizerMissing();
    const fileName = `optimizer-${row.epoch}-${row.step}.bin`;
    const file = { blobKey, fileSize, sha256, fileName, contentType: "application/octet-stream" };
    return download(c.req.raw, c.var.ctx.blobs, file);
  },
);

checkpointRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/notebooks/{id}/upload-version",
    tags,
    security,
    summary: "Make a checkpoint of this notebook a version of a model",
    request: { params: IdParam, body: jsonBody(UploadVersion) },
    responses: { 201: json(UploadedVersion, "The new version"), ...errors(400, 401, 403, 404, 415, 422) },
  }),
  async (c) =>
    c.json(await service.uploadToModel(c.var.ctx, c.req.valid("param").id, c.req.valid("json")), 201),
);
