import {
  beyond,
  isForAdmins,
  type Permission,
  permissionsOf,
  type Role,
  type UserActor,
} from "../../kernel/actor.ts";
import { outranked } from "./accounts.errors.ts";

/** What decides on what an account may do. */
export interface Standing {
  role: Role;
  custom: { permissions: readonly string[]; denied: readonly string[] } | null;
  denied: readonly string[];
}

const excessOf = (actor: UserActor, standing: Standing): Permission[] =>
  beyond(actor, permissionsOf(standing));

/** Refuses whoever lacks something the account may do: acting on it would be a way to that. */
export function refuseOutranked(actor: UserActor, standing: Standing): void {
  const excess = excessOf(actor, standing);
  if (excess.length > 0) throw outranked(excess);
}

/** For what only shuts out and is no way to anything: refuses to do it to administrators who may more as such. */
export function refuseAdminAbove(actor: UserActor, standing: Standing): void {
  const excess = excessOf(actor, standing).filter(isForAdmins);
  if (excess.length > 0) throw outranked(excess);
}
