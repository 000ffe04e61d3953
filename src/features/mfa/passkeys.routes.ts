import { createRoute, errors, IdParam, json, jsonBody, noContent, inPerson, z } from "#http/contract";
import { createRouter } from "#http/router";
import { finishPasskeyRegistration, startPasskeyRegistration } from "./passkey-registration.service.ts";
import { Passkey, RegisteredPasskey, RegisterPasskey, RenamePasskey } from "./passkeys.schema.ts";
import { deletePasskey, listPasskeys, renamePasskey } from "./passkeys.service.ts";
import { CreationOptions } from "./webauthn.schema.ts";

export const passkeyRoutes = createRouter();
const tags = ["Passkeys"];
const security = inPerson;
const credentials = "/api/auth/mfa/webauthn/credentials";

passkeyRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/mfa/webauthn/register/start",
    tags,
    security,
    summary: "Begin to register a passkey",
    description:
      "Pass the answer to `startRegistration({optionsJSON})` of `@simplewebauthn/browser`. Needs a re-authentication within five minutes.",
    responses: { 200: json(CreationOptions, "Options for the browser"), ...errors(401, 403, 409) },
  }),
  async (c) => c.json(await startPasskeyRegistration(c.var.ctx), 200),
);

passkeyRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/mfa/webauthn/register/finish",
    tags,
    security,
    summary: "Register the passkey the browser made",
    request: { body: jsonBody(RegisterPasskey) },
    responses: {
      200: json(RegisteredPasskey, "The passkey, and recovery codes where there were none"),
      ...errors(400, 401, 403, 409, 422),
    },
  }),
  async (c) =>
    c.json(await finishPasskeyRegistration(c.var.ctx, c.req.valid("json")), 200, {
      "cache-control": "no-store",
    }),
);

passkeyRoutes.openapi(
  createRoute({
    method: "get",
    path: credentials,
    tags,
    security,
    summary: "List your passkeys",
    responses: { 200: json(z.array(Passkey), "All of them, oldest first"), ...errors(401, 403) },
  }),
  async (c) => c.json(await listPasskeys(c.var.ctx), 200),
);

passkeyRoutes.openapi(
  createRoute({
    method: "put",
    path: `${credentials}/{id}`,
    tags,
    security,
    summary: "Rename a passkey",
    request: { params: IdParam, body: jsonBody(RenamePasskey) },
    responses: { 200: json(Passkey, "The passkey as it is now"), ...errors(400, 401, 403, 404, 422) },
  }),
  async (c) => c.json(await renamePasskey(c.var.ctx, c.req.valid("param").id, c.req.valid("json").name), 200),
);

passkeyRoutes.openapi(
  createRoute({
    method: "delete",
    path: `${credentials}/{id}`,
    tags,
    security,
    summary: "Remove a passkey",
    description: "Needs a re-authentication within five minutes.",
    request: { params: IdParam },
    responses: { 204: noContent, ...errors(401, 403, 404, 409) },
  }),
  async (c) => {
    await deletePasskey(c.var.ctx, c.req.valid("param").id);
    return c.body(null, 204);
  },
);
