/**
 * Roles: the table of who may do what, and the roles administrators make on top of the built-in ones.
 * Table: roles. No blobs, no objects.
 */
export { findRole } from "./roles.repo.ts";
export { roleRoutes } from "./roles.routes.ts";
export { PermissionNames, RoleName } from "./roles.schema.ts";
