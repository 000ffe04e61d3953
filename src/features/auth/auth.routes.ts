import { createRoute, errors, json, jsonBody, noContent, signedIn } from "#http/contract";
import { limitByAddress } from "#http/rate-limit";
import { createRouter } from "#http/router";
import { Login, Refresh, Register, Registered, SignedIn, User } from "./auth.schema.ts";
import { login, logout, me, refresh, register } from "./auth.service.ts";

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
    responses: { 201: json(Registered, "The new account"), ...errors(400, 403, 409, 422, 429) },
  }),
  async (c) => {
    const user = await register(c.var.ctx, c.req.valid("json"));
    return c.json({ success: true as const, message: "Welcome; you may sign in.", user }, 201);
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
    responses: { 200: json(SignedIn, "Tokens and the account"), ...errors(400, 401, 422, 429) },
  }),
  async (c) => c.json(await login(c.var.ctx, c.req.valid("json")), 200),
);

authRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/refresh",
    tags,
    summary: "Trade a refresh token for a new pair",
    description: "Needs no access token. A refresh token used a second time ends its session.",
    middleware: limitByAddress("refresh"),
    request: { body: jsonBody(Refresh) },
    responses: { 200: json(SignedIn, "A new pair of tokens"), ...errors(400, 401, 422, 429) },
  }),
  async (c) => c.json(await refresh(c.var.ctx, c.req.valid("json").refresh_token), 200),
);

authRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/logout",
    tags,
    summary: "End this session",
    security: signedIn,
    responses: { 204: noContent, ...errors(401) },
  }),
  async (c) => {
    await logout(c.var.ctx);
    return c.body(null, 204);
  },
);

authRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/auth/me",
    tags,
    summary: "The signed-in account",
    security: signedIn,
    responses: { 200: json(User, "The account"), ...errors(401) },
  }),
  async (c) => c.json(await me(c.var.ctx), 200),
);
