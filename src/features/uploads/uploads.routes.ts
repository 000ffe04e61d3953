import { createRoute, errors, IdParam, json, jsonBody, noContent, signedIn, z } from "#http/contract";
import { createRouter } from "#http/router";
import { rawBody } from "#http/upload";
import { ModelVersion } from "../models/index.ts";
import { completeUpload } from "./completion.service.ts";
import { putPart } from "./parts.service.ts";
import {
  CompleteUpload,
  CreateUpload,
  PartParams,
  ReceivedPart,
  Upload,
  UploadParams,
} from "./uploads.schema.ts";
import * as service from "./uploads.service.ts";

export const uploadRoutes = createRouter();
const tags = ["Model uploads"];
const security = signedIn;

uploadRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/models/{id}/uploads",
    tags,
    security,
    summary: "Begin the upload of a large file in parts",
    description: "It may be taken up again for a day.",
    request: { params: IdParam, body: jsonBody(CreateUpload) },
    responses: {
      201: json(Upload, "The upload, with an address for each part"),
      ...errors(400, 401, 403, 404, 409, 413, 415, 422, 503),
    },
  }),
  async (c) =>
    c.json(await service.createUpload(c.var.ctx, c.req.valid("param").id, c.req.valid("json")), 201),
);

uploadRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/models/{id}/uploads/{upload_id}",
    tags,
    security,
    summary: "Get an upload, what has arrived of it, and fresh addresses for its parts",
    request: { params: UploadParams },
    responses: { 200: json(Upload, "The upload"), ...errors(401, 403, 404, 503) },
  }),
  async (c) => {
    const { id, upload_id: uploadId } = c.req.valid("param");
    return c.json(await service.getUpload(c.var.ctx, id, uploadId), 200);
  },
);

const binary = { "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) } };

uploadRoutes.openapi(
  createRoute({
    method: "put",
    path: "/api/models/{id}/uploads/{upload_id}/parts/{number}",
    tags,
    security,
    summary: "Send one part as the raw body, where parts go through this API",
    description: "The same part again replaces it.",
    request: { params: PartParams, body: { content: binary } },
    responses: {
      200: json(ReceivedPart, "It has arrived"),
      ...errors(400, 401, 403, 404, 409, 415, 422, 503),
    },
  }),
  async (c) => {
    const { id, upload_id: uploadId, number } = c.req.valid("param");
    return c.json(await putPart(c.var.ctx, id, uploadId, Number(number), rawBody(c.req.raw)), 200);
  },
);

uploadRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/models/{id}/uploads/{upload_id}/complete",
    tags,
    security,
    summary: "Make the parts a version, once the file's digest is the one announced",
    description:
      "Calling it again, or twice at once, gives the same version; it goes on where an earlier call ended.",
    request: {
      params: UploadParams,
      body: { required: false, content: { "application/json": { schema: CompleteUpload } } },
    },
    responses: {
      201: json(ModelVersion, "The version"),
      ...errors(400, 401, 403, 404, 409, 415, 422, 503),
    },
  }),
  async (c) => {
    const { id, upload_id: uploadId } = c.req.valid("param");
    return c.json(await completeUpload(c.var.ctx, id, uploadId, c.req.valid("json") ?? {}), 201);
  },
);

uploadRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/api/models/{id}/uploads/{upload_id}",
    tags,
    security,
    summary: "End an upload and drop what has arrived",
    request: { params: UploadParams },
    responses: { 204: noContent, ...errors(401, 403, 404, 409, 503) },
  }),
  async (c) => {
    const { id, upload_id: uploadId } = c.req.valid("param");
    await service.abortUpload(c.var.ctx, id, uploadId);
    return c.body(null, 204);
  },
);
