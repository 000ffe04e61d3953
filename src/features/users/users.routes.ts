import {
  createRoute,
  errors,
  IdParam,
  inPerson,
  json,
  jsonBody,
  nextLink,
  noContent,
  pageOf,
  signedIn,
  z,
} from "#http/contract";
import { createRouter } from "#http/router";
import { deleteUser } from "./user-removal.service.ts";
import { AdminUser, CreateUser, DeleteUserQuery, UpdateUser, UserQuery } from "./users.schema.ts";
import * as service from "./users.service.ts";

export const userRoutes = createRouter();
const tags = ["Administration"];

userRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/admin/users",
    tags,
    security: signedIn,
    summary: "List accounts, newest first",
    request: { query: UserQuery },
    responses: { 200: json(z.array(AdminUser), "One page of accounts"), ...errors(401, 403, 422) },
  }),
  async (c) => {
    const { role, status, search, ...page } = c.req.valid("query");
    const { items, next } = await service.listUsers(c.var.ctx, { role, status, search }, pageOf(page));
    return c.json(items, 200, nextLink(c.req.url, next));
  },
);

userRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/admin/users",
    tags,
    security: inPerson,
    summary: "Make an account and mail its owner a link to choose a password",
    request: { body: jsonBody(CreateUser) },
    responses: { 201: json(AdminUser, "The account"), ...errors(400, 401, 403, 409, 415, 422) },
  }),
  async (c) => c.json(await service.createUser(c.var.ctx, c.req.valid("json")), 201),
);

userRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/admin/users/{id}",
    tags,
    security: signedIn,
    summary: "Get an account",
    request: { params: IdParam },
    responses: { 200: json(AdminUser, "The account"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await service.getUser(c.var.ctx, c.req.valid("param").id), 200),
);

userRoutes.openapi(
  createRoute({
    method: "put",
    path: "/api/admin/users/{id}",
    tags,
    security: inPerson,
    summary: "Change an account",
    request: { params: IdParam, body: jsonBody(UpdateUser) },
    responses: { 200: json(AdminUser, "The account"), ...errors(400, 401, 403, 404, 409, 415, 422) },
  }),
  async (c) => c.json(await service.updateUser(c.var.ctx, c.req.valid("param").id, c.req.valid("json")), 200),
);

userRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/api/admin/users/{id}",
    tags,
    security: inPerson,
    summary: "Delete an account",
    description: "One that owns things needs somebody to give them to. Its API tokens are revoked.",
    request: { params: IdParam, query: DeleteUserQuery },
    responses: { 204: noContent, ...errors(401, 403, 404, 409, 422) },
  }),
  async (c) => {
    await deleteUser(c.var.ctx, c.req.valid("param").id, c.req.valid("query").transfer_to);
    return c.body(null, 204);
  },
);
