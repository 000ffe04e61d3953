import type { Permission } from "../../kernel/actor.ts";
import { AppError, invalidFields } from "../../kernel/errors.ts";

export const roleNotFound = () => new AppError("not_found", "ROLE_NOT_FOUND", "There is no such role.");

export const roleNameTaken = (name: string) =>
  new AppError("conflict", "ROLE_NAME_TAKEN", `There is a role named ${name} already.`);

export const roleBuiltIn = (name: string) =>
  new AppError("conflict", "ROLE_BUILT_IN", `The role ${name} is built in and stays as it is.`);

export const roleInUse = (name: string) =>
  new AppError("conflict", "ROLE_IN_USE", `Some account has the role ${name}; give it another one first.`);

export const tooManyRoles = (limit: number) =>
  new AppError("conflict", "TOO_MANY_ROLES", `There may be at most ${limit} roles.`, { limit });

export const needsAdminBase = (names: Permission[]) =>
  invalidFields("body", [
    { path: "permissions", message: `only a role with the base admin may have ${names.join(", ")}` },
  ]);

export const beyondYours = (permissions: Permission[]) =>
  new AppError(
    "forbidden",
    "PERMISSIONS_BEYOND_YOURS",
    `You cannot give what you lack: ${permissions.join(", ")}.`,
    { permissions },
  );
