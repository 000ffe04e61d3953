import { createRoute, errors, IdParam, json, noContent, inPerson, z } from "#http/contract";
import { createRouter } from "#http/router";
import { Identity } from "./identities.schema.ts";
import { deleteIdentity, listIdentities } from "./identities.service.ts";

export const identityRoutes = createRouter();
const tags = ["Identity providers"];

identityRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/auth/identities",
    tags,
    summary: "List your identities elsewhere",
    security: inPerson,
    responses: { 200: json(z.array(Identity), "Newest first"), ...errors(401, 403) },
  }),
  async (c) => c.json(await listIdentities(c.var.ctx), 200),
);

identityRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/api/auth/identities/{id}",
    tags,
    summary: "Take an identity off your account",
    description:
      "Needs a password or a factor shown within five minutes. Your only way in stays; your other sessions end.",
    security: inPerson,
    request: { params: IdParam },
    responses: { 204: noContent, ...errors(401, 403, 404, 409) },
  }),
  async (c) => {
    await deleteIdentity(c.var.ctx, c.req.valid("param").id);
    return c.body(null, 204);
  },
);
