import {
  allow,
  allowPerson,
  beyond,
  isForAdmins,
  type Permission,
  PERMISSION_NAMES,
  PERMISSIONS,
  type Role,
  ROLES,
  type SignedInUser,
} from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { isForeignKeyViolation } from "../../kernel/postgres-error.ts";
import { PERMISSION_TEXT } from "./permission-text.ts";
import * as errors from "./roles.errors.ts";
import * as repo from "./roles.repo.ts";
import {
  builtInRole,
  type CreateRole,
  type CustomRole,
  type PermissionTable,
  toRole,
  type UpdateRole,
} from "./roles.schema.ts";

const MAX_ROLES = 200;

const isBuiltIn = (name: string): name is Role => ROLES.includes(name as Role);

/** The one table of who may do what, and what of it the caller may do at this moment. */
export function printPermissions(ctx: Ctx): PermissionTable {
  const { role, roleName, permissions } = allow(ctx, "account:self");
  return {
    permissions: PERMISSION_NAMES.map((name) => ({
      name,
      description: PERMISSION_TEXT[name],
      roles: ROLES.filter((one) => PERMISSIONS[one].has(name)),
    })),
    role: { name: roleName, base: role },
    effective: PERMISSION_NAMES.filter((name) => permissions.has(name)),
  };
}

/** All roles there are, the built-in ones first. */
export async function listRoles(ctx: Ctx): Promise<CustomRole[]> {
  allow(ctx, "users:read");
  return [...ROLES.map(builtInRole), ...(await repo.listRoles(ctx.db)).map(toRole)];
}

export async function getRole(ctx: Ctx, name: string): Promise<CustomRole> {
  allow(ctx, "users:read");
  if (isBuiltIn(name)) return builtInRole(name);
  const row = await repo.findRole(ctx.db, name);
  if (!row) throw errors.roleNotFound();
  return toRole(row);
}

/** A role gives no more than its maker has, and what is for administrators only on their base. */
function checkGrants(actor: SignedInUser, base: Role, permissions: Permission[]): void {
  const admins = permissions.filter(isForAdmins);
  if (base !== "admin" && admins.length > 0) throw errors.needsAdminBase(admins);
  const excess = beyond(actor, permissions);
  if (excess.length > 0) throw errors.beyondYours(excess);
}

const target = (name: string) => ({ type: "role", id: name });

export async function createRole(ctx: Ctx, input: CreateRole): Promise<CustomRole> {
  const actor = allowPerson(ctx, "roles:write");
  checkGrants(actor, input.base, input.permissions);
  if ((await repo.countRoles(ctx.db)) >= MAX_ROLES) throw errors.tooManyRoles(MAX_ROLES);
  const row = await repo.insertRole(ctx.db, input);
  if (!row) throw errors.roleNameTaken(input.name);
  const { name, base, permissions, denied } = input;
  await ctx.audit({ action: "role.created", target: target(name), details: { base, permissions, denied } });
  return toRole(row);
}

/** Changes what a role grants, for everybody who has it. Its base is for good. */
export async function updateRole(ctx: Ctx, name: string, input: UpdateRole): Promise<CustomRole> {
  const actor = allowPerson(ctx, "roles:write");
  if (isBuiltIn(name)) throw errors.roleBuiltIn(name);
  const before = await repo.findRole(ctx.db, name);
  if (!before) throw errors.roleNotFound();
  const { description, permissions, denied } = input;
  // What it grants when a denial falls counts as granted.
  checkGrants(actor, before.base, permissions ?? (denied ? (before.permissions as Permission[]) : []));
  const change = {
    ...(description !== undefined && { description }),
    ...(permissions && { permissions }),
    ...(denied && { denied }),
  };
  if (Object.keys(change).length === 0) return toRole(before);
  const row = await repo.updateRole(ctx.db, name, change, ctx.now);
  if (!row) throw errors.roleNotFound();
  await ctx.audit({ action: "role.updated", target: target(name), details: { permissions, denied } });
  return toRole(row);
}

/** Deletes a role that no account has. */
export async function deleteRole(ctx: Ctx, name: string): Promise<void> {
  allowPerson(ctx, "roles:write");
  if (isBuiltIn(name)) throw errors.roleBuiltIn(name);
  try {
    if (!(await repo.deleteRole(ctx.db, name))) throw errors.roleNotFound();
  } catch (error) {
    if (isForeignKeyViolation(error)) throw errors.roleInUse(name);
    throw error;
  }
  await ctx.audit({ action: "role.deleted", target: target(name) });
}
