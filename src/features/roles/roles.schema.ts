import type { RoleRow } from "../../db/schema.ts";
import { Timestamp, z } from "#http/contract";
import { PERMISSION_NAMES, PERMISSIONS, type Role, ROLES } from "../../kernel/actor.ts";

const PermissionName = z.enum(PERMISSION_NAMES);

export const PermissionNames = z
  .array(PermissionName)
  .max(100)
  .transform((names) => [...new Set(names)])
  .openapi({ example: ["datasets:read"] });

const ROLE_NAME = /^[a-z0-9-]{2,40}$/;

export const RoleName = z
  .string()
  .regex(ROLE_NAME, "must be 2 to 40 characters of a-z, 0-9 and -")
  .openapi({ example: "data-scientist" });

export const RoleParam = z.object({
  name: z
    .string()
    .regex(ROLE_NAME)
    .openapi({ param: { name: "name", in: "path" } }),
});

export const CustomRole = z
  .object({
    name: z.string(),
    description: z.string(),
    built_in: z.boolean(),
    base: z
      .enum(ROLES)
      .openapi({ description: "The built-in role whose view of other people's things it has." }),
    permissions: z.array(PermissionName),
    denied: z.array(PermissionName).openapi({ description: "Taken away again, whatever else grants it." }),
    created_at: Timestamp.nullable(),
    updated_at: Timestamp.nullable(),
  })
  .openapi("Role");
export type CustomRole = z.infer<typeof CustomRole>;

const Description = z.string().trim().max(300);

export const CreateRole = z
  .object({
    name: RoleName.refine((name) => !ROLES.includes(name as Role), "is the name of a built-in role"),
    description: Description.default(""),
    base: z.enum(ROLES),
    permissions: PermissionNames,
    denied: PermissionNames.default([]),
  })
  .openapi("CreateRole");
export type CreateRole = z.infer<typeof CreateRole>;

export const UpdateRole = z
  .object({
    description: Description.optional(),
    permissions: PermissionNames.optional(),
    denied: PermissionNames.optional(),
  })
  .openapi("UpdateRole");
export type UpdateRole = z.infer<typeof UpdateRole>;

export const PermissionTable = z
  .object({
    permissions: z.array(
      z.object({ name: PermissionName, description: z.string(), roles: z.array(z.enum(ROLES)) }),
    ),
    role: z.object({ name: z.string(), base: z.enum(ROLES) }).openapi({ description: "The caller's." }),
    effective: z
      .array(PermissionName)
      .openapi({ description: "What the caller may do, after denials and a token's scopes." }),
  })
  .openapi("PermissionTable");
export type PermissionTable = z.infer<typeof PermissionTable>;

export const toRole = (row: RoleRow): CustomRole => ({
  name: row.name,
  description: row.description,
  built_in: false,
  base: row.base,
  permissions: row.permissions as CustomRole["permissions"],
  denied: row.denied as CustomRole["denied"],
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
});

const BUILT_IN_TEXT: Record<Role, string> = {
  admin: "Everything, and everybody's things.",
  user: "Everything with one's own things.",
  viewer: "Reads one's own things and changes nothing.",
};

export const builtInRole = (name: Role): CustomRole => ({
  name,
  description: BUILT_IN_TEXT[name],
  built_in: true,
  base: name,
  permissions: [...PERMISSIONS[name]],
  denied: [],
  created_at: null,
  updated_at: null,
});
