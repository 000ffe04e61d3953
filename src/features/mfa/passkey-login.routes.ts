import { createRoute, errors, json, jsonBody } from "#http/contract";
import { limitByAddress } from "#http/rate-limit";
import { createRouter } from "#http/router";
import { SignedIn } from "../sessions/index.ts";
import { finishPasskeyLogin, startPasskeyLogin } from "./passkey-login.service.ts";
import { FinishPasskey, StartPasskey } from "./passkeys.schema.ts";
import { RequestOptions } from "./webauthn.schema.ts";

export const passkeyLoginRoutes = createRouter();
const tags = ["Passkeys"];

passkeyLoginRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/mfa/webauthn/authenticate/start",
    tags,
    summary: "Begin to sign in by a passkey",
    description:
      "Pass the answer to `startAuthentication({optionsJSON})` of `@simplewebauthn/browser`. With `mfa_token` it is the second step; without, the passkey stands for both factors.",
    middleware: limitByAddress("mfa"),
    request: { body: jsonBody(StartPasskey) },
    responses: { 200: json(RequestOptions, "Options for the browser"), ...errors(400, 401, 403, 422, 429) },
  }),
  async (c) => c.json(await startPasskeyLogin(c.var.ctx, c.req.valid("json")), 200),
);

passkeyLoginRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/mfa/webauthn/authenticate/finish",
    tags,
    summary: "Sign in by a passkey",
    middleware: limitByAddress("mfa"),
    request: { body: jsonBody(FinishPasskey) },
    responses: { 200: json(SignedIn, "Tokens and the account"), ...errors(400, 401, 403, 422, 429) },
  }),
  async (c) => c.json(await finishPasskeyLogin(c.var.ctx, c.req.valid("json")), 200),
);
