import { createRoute, errors, json, noContent, inPerson } from "#http/contract";
import { createRouter } from "#http/router";
import { MfaOverview } from "./factors.schema.ts";
import { disableAll, getOverview } from "./factors.service.ts";

export const factorRoutes = createRouter();
const tags = ["Second factors"];
const security = inPerson;

factorRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/auth/mfa",
    tags,
    security,
    summary: "Your second factors",
    responses: { 200: json(MfaOverview, "What there is, and what must be"), ...errors(401, 403) },
  }),
  async (c) => c.json(await getOverview(c.var.ctx), 200),
);

factorRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/mfa/disable",
    tags,
    security,
    summary: "Remove all second factors and recovery codes",
    description: "Needs a re-authentication within five minutes. Refused where the role demands a factor.",
    responses: { 204: noContent, ...errors(401, 403, 409) },
  }),
  async (c) => {
    await disableAll(c.var.ctx);
    return c.body(null, 204);
  },
);
