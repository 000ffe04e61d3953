import { createRoute, errors, IdParam, noContent, signedIn, z } from "#http/contract";
import { createRouter } from "#http/router";
import { VersionParams } from "../models/index.ts";
import * as service from "./retirements.service.ts";

export const retirementRoutes = createRouter();
const tags = ["Models"];
const security = signedIn;

const ForceQuery = z.object({
  force: z.enum(["true", "false"]).default("false").openapi({
    description: "`true`: endpoints that serve it are stopped, calls under way ended, and deleted with it.",
  }),
});

const description =
  "While an endpoint serves it this answers 409 and names the endpoints in the details. `force` needs the permission `endpoints:write` as well, and reaches endpoints of the caller and of the model's owner; while there are others nothing is touched.";

retirementRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/api/models/{id}",
    tags,
    security,
    summary: "Delete a model with all its versions",
    description,
    request: { params: IdParam, query: ForceQuery },
    responses: { 204: noContent, ...errors(401, 403, 404, 409, 422) },
  }),
  async (c) => {
    const isForced = c.req.valid("query").force === "true";
    await service.retireModel(c.var.ctx, c.req.valid("param").id, isForced);
    return c.body(null, 204);
  },
);

retirementRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/api/models/{id}/versions/{version}",
    tags,
    security,
    summary: "Delete a version",
    description,
    request: { params: VersionParams, query: ForceQuery },
    responses: { 204: noContent, ...errors(401, 403, 404, 409, 422) },
  }),
  async (c) => {
    const { id, version } = c.req.valid("param");
    await service.retireVersion(c.var.ctx, id, version, c.req.valid("query").force === "true");
    return c.body(null, 204);
  },
);
