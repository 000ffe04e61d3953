import { createRoute, errors, inPerson, json, jsonBody, noContent, signedIn, z } from "#http/contract";
import { createRouter } from "#http/router";
import { CreateRole, CustomRole, PermissionTable, RoleParam, UpdateRole } from "./roles.schema.ts";
import * as service from "./roles.service.ts";

export const roleRoutes = createRouter();
const tags = ["Roles"];

roleRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/auth/permissions",
    tags,
    security: signedIn,
    summary: "Print which role may do what, and what you may do",
    responses: { 200: json(PermissionTable, "The table"), ...errors(401, 403) },
  }),
  (c) => c.json(service.printPermissions(c.var.ctx), 200),
);

roleRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/admin/roles",
    tags,
    security: signedIn,
    summary: "List all roles, the built-in ones first",
    responses: { 200: json(z.array(CustomRole), "All of them"), ...errors(401, 403) },
  }),
  async (c) => c.json(await service.listRoles(c.var.ctx), 200),
);

roleRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/admin/roles",
    tags,
    security: inPerson,
    summary: "Make a role",
    request: { body: jsonBody(CreateRole) },
    responses: { 201: json(CustomRole, "The role"), ...errors(400, 401, 403, 409, 415, 422) },
  }),
  async (c) => c.json(await service.createRole(c.var.ctx, c.req.valid("json")), 201),
);

roleRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/admin/roles/{name}",
    tags,
    security: signedIn,
    summary: "Get a role",
    request: { params: RoleParam },
    responses: { 200: json(CustomRole, "The role"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await service.getRole(c.var.ctx, c.req.valid("param").name), 200),
);

roleRoutes.openapi(
  createRoute({
    method: "put",
    path: "/api/admin/roles/{name}",
    tags,
    security: inPerson,
    summary: "Change a role, for everybody who has it",
    description: "Its name and base are for good.",
    request: { params: RoleParam, body: jsonBody(UpdateRole) },
    responses: { 200: json(CustomRole, "The role"), ...errors(400, 401, 403, 404, 409, 415, 422) },
  }),
  async (c) =>
    c.json(await service.updateRole(c.var.ctx, c.req.valid("param").name, c.req.valid("json")), 200),
);

roleRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/api/admin/roles/{name}",
    tags,
    security: inPerson,
    summary: "Delete a role nobody has",
    request: { params: RoleParam },
    responses: { 204: noContent, ...errors(401, 403, 404, 409) },
  }),
  async (c) => {
    await service.deleteRole(c.var.ctx, c.req.valid("param").name);
    return c.body(null, 204);
  },
);
