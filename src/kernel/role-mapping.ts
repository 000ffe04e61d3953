import { ROLES, type Role } from "./actor.ts";

/** What the values of a claim, or groups, mean here: the highest role any of them is mapped to; `user` when none is. */
export function mappedRole(values: readonly string[], roles: ReadonlyMap<string, Role>): Role {
  const granted = new Set(values.map((value) => roles.get(value)));
  return ROLES.find((role) => granted.has(role)) ?? "user";
}
