import {
  createRoute,
  errors,
  IdParam,
  inPerson,
  json,
  jsonBody,
  nextLink,
  noContent,
  PageQuery,
  pageOf,
  signedIn,
  z,
} from "#http/contract";
import { limitByAddress } from "#http/rate-limit";
import { createRouter } from "#http/router";
import { EndedSessions, Refresh, Session, SignedIn } from "./sessions.schema.ts";
import {
  endOtherSessions,
  endSession,
  endSessionsByAdmin,
  listSessions,
  listSessionsOf,
  logout,
  refresh,
} from "./sessions.service.ts";

export const sessionRoutes = createRouter();
const tags = ["Sessions"];

sessionRoutes.openapi(
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

sessionRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/auth/logout",
    tags,
    summary: "End this session",
    security: inPerson,
    responses: { 204: noContent, ...errors(401, 403) },
  }),
  async (c) => {
    await logout(c.var.ctx);
    return c.body(null, 204);
  },
);

sessionRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/auth/sessions",
    tags,
    summary: "List your sessions",
    security: inPerson,
    request: { query: PageQuery },
    responses: { 200: json(z.array(Session), "Live sessions, newest first"), ...errors(401, 403, 422) },
  }),
  async (c) => {
    const { items, next } = await listSessions(c.var.ctx, pageOf(c.req.valid("query")));
    return c.json(items, 200, nextLink(c.req.url, next));
  },
);

sessionRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/api/auth/sessions/{id}",
    tags,
    summary: "End one session",
    description: "One's own; administrators anybody's, but no administrator's who may more than they.",
    security: inPerson,
    request: { params: IdParam },
    responses: { 204: noContent, ...errors(401, 403, 404) },
  }),
  async (c) => {
    await endSession(c.var.ctx, c.req.valid("param").id);
    return c.body(null, 204);
  },
);

sessionRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/api/auth/sessions",
    tags,
    summary: "End all your other sessions",
    security: inPerson,
    responses: { 200: json(EndedSessions, "How many there were"), ...errors(401, 403) },
  }),
  async (c) => c.json({ ended: await endOtherSessions(c.var.ctx) }, 200),
);

sessionRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/admin/users/{id}/sessions",
    tags,
    summary: "List a user's sessions",
    security: signedIn,
    request: { params: IdParam, query: PageQuery },
    responses: { 200: json(z.array(Session), "Live sessions, newest first"), ...errors(401, 403, 404, 422) },
  }),
  async (c) => {
    const page = pageOf(c.req.valid("query"));
    const { items, next } = await listSessionsOf(c.var.ctx, c.req.valid("param").id, page);
    return c.json(items, 200, nextLink(c.req.url, next));
  },
);

sessionRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/api/admin/users/{id}/sessions",
    tags,
    summary: "End all of a user's sessions",
    description: "But not of an administrator who may more than the caller.",
    security: signedIn,
    request: { params: IdParam },
    responses: { 200: json(EndedSessions, "How many there were"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json({ ended: await endSessionsByAdmin(c.var.ctx, c.req.valid("param").id) }, 200),
);
