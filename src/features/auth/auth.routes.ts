import { createRoute, errors, json, jsonBody, signedIn, z } from "#http/contract";
import { limitByAddress } from "#http/rate-limit";
import { createRouter } from "#http/router";
import { User } from "../accounts/index.ts";
import { MfaRequired } from "../mfa/index.ts";
import { SignedIn } from "../sessions/index.ts";
import { Login, Register, Registered, UpdateMe } from "./auth.schema.ts";
import { login, me, updateMe } from "./login.service.ts";
import { register } from "./registration.service.ts";

export const authRoutes = createRouter();
const tags = ["Account"];

authRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/register",
    tags,
    summary: "Open an account",
    middleware: limitByAddress("register"),
    request: { body: jsonBody(Register) },
    responses: { 201: json(Registered, "Taken note of"), ...errors(400, 403, 422, 429, 503) },
  }),
  async (c) => {
    const { success, message } = await register(c.var.ctx, c.req.valid("json"));
    return c.json({ success, message }, 201);
  },
);

authRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/login",
    tags,
    summary: "Sign in",
    middleware: limitByAddress("login"),
    request: { body: jsonBody(Login) },
    responses: {
      200: json(z.union([SignedIn, MfaRequired]), "Tokens and the account, or the second step"),
      ...errors(400, 401, 403, 422, 429, 503),
    },
  }),
  async (c) => c.json(await login(c.var.ctx, c.req.valid("json")), 200),
);

authRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/auth/me",
    tags,
    summary: "The signed-in account",
    security: signedIn,
    responses: { 200: json(User, "The account"), ...errors(401, 403) },
  }),
  async (c) => c.json(await me(c.var.ctx), 200),
);

authRoutes.openapi(
  createRoute({
    method: "put",
    path: "/api/auth/me",
    tags,
    summary: "Change your name",
    security: signedIn,
    request: { body: jsonBody(UpdateMe) },
    responses: { 200: json(User, "The account"), ...errors(400, 401, 403, 415, 422) },
  }),
  async (c) => c.json(await updateMe(c.var.ctx, c.req.valid("json")), 200),
);
