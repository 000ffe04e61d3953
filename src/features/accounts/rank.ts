import { beyond, type Permission, permissionsOf, type Role, type UserActor } from "../../kernel/actor.ts";
import { outranked } from "./users.errors.ts";

interface Standing {
  role: Role;
  custom: { permissions: readonly string[]; denied: readonly string[] } | null;
  denied: readonly string[];
}

/** Refuses whoever lacks something the account may do: acting on it would be a way to that. */
export function refuseOutranked(actor: UserActor, standing: Standing): void {
  const excess: Permission[] = beyond(actor, permissionsOf(standing));
  if (excess.length > 0) throw outranked(excess);
}
