import { createRoute, errors, json, jsonBody, noContent, inPerson } from "#http/contract";
import { limitByAddress } from "#http/rate-limit";
import { createRouter } from "#http/router";
import { SignedIn } from "../sessions/index.ts";
import { RecoveryCodes } from "./recovery.schema.ts";
import { EnableTotp, TotpSetup, VerifyTotp } from "./totp.schema.ts";
import { disableTotp, enableTotp, setupTotp, verifyTotp } from "./totp.service.ts";

export const totpRoutes = createRouter();
const tags = ["Second factors"];
const security = inPerson;

totpRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/mfa/totp/setup",
    tags,
    security,
    summary: "Make a secret for an authenticator app",
    description: "Counts once it is enabled. Needs a re-authentication within five minutes.",
    responses: { 200: json(TotpSetup, "The secret, shown this once"), ...errors(401, 403, 409) },
  }),
  async (c) => c.json(await setupTotp(c.var.ctx), 200, { "cache-control": "no-store" }),
);

totpRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/mfa/totp/enable",
    tags,
    security,
    summary: "Enable the authenticator app by its first code",
    request: { body: jsonBody(EnableTotp) },
    responses: {
      200: json(RecoveryCodes, "New recovery codes where there were none"),
      ...errors(400, 401, 403, 409, 422),
    },
  }),
  async (c) =>
    c.json(await enableTotp(c.var.ctx, c.req.valid("json").code), 200, { "cache-control": "no-store" }),
);

totpRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/mfa/totp/verify",
    tags,
    summary: "Second step of signing in: a code of the authenticator app",
    description: "A code works once. Five wrong ones end the step.",
    middleware: limitByAddress("mfa"),
    request: { body: jsonBody(VerifyTotp) },
    responses: { 200: json(SignedIn, "Tokens and the account"), ...errors(400, 401, 403, 422, 429) },
  }),
  async (c) => c.json(await verifyTotp(c.var.ctx, c.req.valid("json")), 200),
);

totpRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/mfa/totp/disable",
    tags,
    security,
    summary: "Remove the authenticator app",
    description: "Needs a re-authentication within five minutes.",
    responses: { 204: noContent, ...errors(401, 403, 409) },
  }),
  async (c) => {
    await disableTotp(c.var.ctx);
    return c.body(null, 204);
  },
);
