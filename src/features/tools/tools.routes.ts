import { createRoute, errors, json, jsonBody, signedIn } from "#http/contract";
import { createRouter } from "#http/router";
import { VersionParams } from "../models/index.ts";
import {
  Convert,
  Converted,
  Export,
  Exported,
  Inspection,
  QuantizationTypes,
  Quantize,
  Quantized,
} from "./tools.schema.ts";
import * as service from "./tools.service.ts";

export const toolRoutes = createRouter();
const tags = ["Model tools"];
const security = signedIn;
const request = { params: VersionParams };
const refusals = errors(400, 401, 403, 404, 415, 422, 501, 503);

toolRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/models/{id}/versions/{version}/inspect",
    tags,
    security,
    summary: "What is in a version's file",
    description: "Reads the header alone, however large the file is; a pickle is never unpickled.",
    request,
    responses: { 200: json(Inspection, "Its tensors, metadata and graph"), ...errors(401, 403, 404, 422) },
  }),
  async (c) => {
    const { id, version } = c.req.valid("param");
    return c.json(await service.inspect(c.var.ctx, id, version), 200);
  },
);

toolRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/models/{id}/versions/{version}/convert",
    tags,
    security,
    summary: "Write a version in another format, as a new version",
    request: { ...request, body: jsonBody(Convert) },
    responses: { 201: json(Converted, "The new version"), ...refusals },
  }),
  async (c) => {
    const { id, version } = c.req.valid("param");
    return c.json(await service.convert(c.var.ctx, id, version, c.req.valid("json")), 201);
  },
);

toolRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/models/{id}/versions/{version}/quantize",
    tags,
    security,
    summary: "Make a version smaller, as a new version",
    request: { ...request, body: jsonBody(Quantize) },
    responses: { 201: json(Quantized, "The new version"), ...refusals },
  }),
  async (c) => {
    const { id, version } = c.req.valid("param");
    const { target_type } = c.req.valid("json");
    return c.json(await service.quantize(c.var.ctx, id, version, target_type), 201);
  },
);

toolRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/models/{id}/versions/{version}/export",
    tags,
    security,
    summary: "Write a version for other programs, as a new version",
    request: { ...request, body: jsonBody(Export) },
    responses: { 201: json(Exported, "The new version"), ...refusals },
  }),
  async (c) => {
    const { id, version } = c.req.valid("param");
    return c.json(await service.exportModel(c.var.ctx, id, version, c.req.valid("json")), 201);
  },
);

toolRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/tools/quantization-types",
    tags,
    security,
    summary: "What models can be quantized to",
    responses: { 200: json(QuantizationTypes, "The types"), ...errors(401, 403) },
  }),
  (c) => c.json(service.listQuantizationTypes(c.var.ctx), 200),
);
