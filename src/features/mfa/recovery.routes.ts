import { createRoute, errors, json, jsonBody, inPerson } from "#http/contract";
import { limitByAddress } from "#http/rate-limit";
import { createRouter } from "#http/router";
import { SignedIn } from "../sessions/index.ts";
import { RecoveryCodes, UseRecoveryCode } from "./recovery.schema.ts";
import { regenerateRecoveryCodes, signInByRecovery } from "./recovery.service.ts";

export const recoveryRoutes = createRouter();
const tags = ["Second factors"];

recoveryRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/mfa/recovery",
    tags,
    summary: "Second step of signing in: a recovery code",
    description: "A code works once. Five wrong ones end the step.",
    middleware: limitByAddress("mfa"),
    request: { body: jsonBody(UseRecoveryCode) },
    responses: { 200: json(SignedIn, "Tokens and the account"), ...errors(400, 401, 403, 422, 429) },
  }),
  async (c) => c.json(await signInByRecovery(c.var.ctx, c.req.valid("json")), 200),
);

recoveryRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/mfa/recovery/generate",
    tags,
    security: inPerson,
    summary: "Replace your recovery codes",
    description: "Needs a re-authentication within five minutes. The old codes stop working.",
    responses: { 200: json(RecoveryCodes, "Ten new codes, shown this once"), ...errors(401, 403, 409) },
  }),
  async (c) => c.json(await regenerateRecoveryCodes(c.var.ctx), 200, { "cache-control": "no-store" }),
);
