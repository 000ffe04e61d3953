import { createRoute, errors, json, jsonBody, inPerson } from "#http/contract";
import { createRouter } from "#http/router";
import { Reauthenticate, Reauthenticated } from "./reauthenticate.schema.ts";
import { reauthenticate, startReauthentication } from "./reauthenticate.service.ts";
import { RequestOptions } from "./webauthn.schema.ts";

export const reauthenticateRoutes = createRouter();
const tags = ["Sessions"];
const security = inPerson;

reauthenticateRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/reauthenticate",
    tags,
    security,
    summary: "Show your password or a second factor again",
    description: "Makes this session fresh for five minutes. Ten attempts in five minutes.",
    request: { body: jsonBody(Reauthenticate) },
    responses: {
      200: json(Reauthenticated, "When what was last shown"),
      ...errors(400, 401, 403, 422, 429),
    },
  }),
  async (c) => c.json(await reauthenticate(c.var.ctx, c.req.valid("json")), 200),
);

reauthenticateRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/reauthenticate/start",
    tags,
    security,
    summary: "Begin to show a passkey again",
    description: "Pass the answer to `startAuthentication({optionsJSON})` of `@simplewebauthn/browser`.",
    responses: { 200: json(RequestOptions, "Options for the browser"), ...errors(401, 403) },
  }),
  async (c) => c.json(await startReauthentication(c.var.ctx), 200),
);
