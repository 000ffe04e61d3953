import { createRoute, errors, inPerson, json, jsonBody, noContent, signedIn, z } from "#http/contract";
import { limitByAddress } from "#http/rate-limit";
import { createRouter } from "#http/router";
import { MfaRequired, signInByRecovery, verifyTotp } from "../mfa/index.ts";
import { logout, SignedIn } from "../sessions/index.ts";
import {
  AuthResponse,
  DataUserAnswer,
  MfaVerify,
  SignedUp,
  Signup,
  toAuthResponse,
  toDataUser,
  UsernameLogin,
  Validity,
} from "./compat.schema.ts";
import { Login } from "./auth.schema.ts";
import { login, me } from "./login.service.ts";
import { register } from "./registration.service.ts";
import { checkToken } from "./token-check.service.ts";

/** The same accounts under the addresses and in the shapes of the systems Myelin replaces. */
export const compatRoutes = createRouter();
const tags = ["Account, other shapes"];

compatRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/auth/signup",
    tags,
    summary: "Open an account",
    middleware: limitByAddress("register"),
    request: { body: jsonBody(Signup) },
    responses: { 200: json(SignedUp, "Taken note of"), ...errors(400, 403, 415, 422, 429, 503) },
  }),
  async (c) => {
    const { email, password } = c.req.valid("json");
    const { id } = await register(c.var.ctx, { email, password, name: email.split("@")[0]! });
    return c.json({ id, email }, 200);
  },
);

compatRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/auth/login",
    tags,
    summary: "Sign in",
    middleware: limitByAddress("login"),
    request: { body: jsonBody(Login) },
    responses: {
      200: json(z.union([SignedIn, MfaRequired]), "Tokens and the account, or the second step"),
      ...errors(400, 401, 403, 415, 422, 429, 503),
    },
  }),
  async (c) => c.json(await login(c.var.ctx, c.req.valid("json")), 200),
);

compatRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/v1/auth/login",
    tags,
    summary: "Sign in",
    middleware: limitByAddress("login"),
    request: { body: jsonBody(UsernameLogin) },
    responses: {
      200: json(AuthResponse, "A token and the account, or the token of the second step"),
      ...errors(400, 401, 403, 415, 422, 429, 503),
    },
  }),
  async (c) => {
    const { username, password } = c.req.valid("json");
    const answer = await login(c.var.ctx, { email: username, password });
    return c.json(toAuthResponse(answer, c.var.ctx.settings.requireMfa), 200);
  },
);

compatRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/v1/auth/mfa/verify",
    tags,
    summary: "Show the second factor",
    description: "A code of the authenticator app, or a recovery code.",
    middleware: limitByAddress("mfa"),
    request: { body: jsonBody(MfaVerify) },
    responses: {
      200: json(AuthResponse, "A token and the account"),
      ...errors(400, 401, 403, 415, 422, 429),
    },
  }),
  async (c) => {
    const { token: mfa_token, code } = c.req.valid("json");
    const proof = { mfa_token, code };
    const isTotp = /^\d{6}$/.test(code);
    const answer = await (isTotp ? verifyTotp(c.var.ctx, proof) : signInByRecovery(c.var.ctx, proof));
    return c.json(toAuthResponse(answer, c.var.ctx.settings.requireMfa), 200);
  },
);

compatRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/v1/auth/logout",
    tags,
    security: inPerson,
    summary: "End this session",
    description: "The token goes into the `Authorization` header; one in the body is not looked at.",
    responses: { 204: noContent, ...errors(401, 403) },
  }),
  async (c) => {
    await logout(c.var.ctx);
    return c.body(null, 204);
  },
);

for (const path of ["/api/v1/auth/session", "/api/v1/auth/me"] as const) {
  compatRoutes.openapi(
    createRoute({
      method: "get",
      path,
      tags,
      security: signedIn,
      summary: "The signed-in account",
      description: "By the `Authorization` header; a token in the address is not looked at.",
      responses: { 200: json(DataUserAnswer, "The account"), ...errors(401, 403) },
    }),
    async (c) => c.json(toDataUser(await me(c.var.ctx)), 200),
  );
}

const Token = z.object({ token: z.string().min(1).max(4096).optional() }).openapi("TokenToCheck");

compatRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/auth/verify",
    tags,
    summary: "Check the token of the `Authorization` header",
    middleware: limitByAddress("refresh"),
    responses: { 200: json(Validity, "Whether it is good, and whose"), ...errors(429) },
  }),
  async (c) => c.json(await checkToken(c.var.ctx, bearerOf(c.req.header("authorization"))), 200),
);

compatRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/verify",
    tags,
    summary: "Check the token of the body, or of the `Authorization` header",
    middleware: limitByAddress("refresh"),
    request: { body: { required: false, content: { "application/json": { schema: Token } } } },
    responses: { 200: json(Validity, "Whether it is good, and whose"), ...errors(400, 415, 422, 429) },
  }),
  async (c) => {
    const { token } = c.req.valid("json") ?? {};
    return c.json(await checkToken(c.var.ctx, token ?? bearerOf(c.req.header("authorization"))), 200);
  },
);

const bearerOf = (header = ""): string | undefined => /^Bearer +(\S+)$/i.exec(header)?.[1];
