import type { UserActor } from "../../kernel/actor.ts";
import type { ErrorDetails } from "../../kernel/errors.ts";
import type { ServingEndpoint } from "../inference/index.ts";

/**
 * Which endpoints a forced deletion may not take along. It reaches those of the caller and of the model's owner; what
 * somebody else has built on a model, an administrator for one, goes only when it is deleted as what it is.
 */
export const notToBeForced = (
  endpoints: ServingEndpoint[],
  caller: UserActor,
  modelOwnerId: string,
): ServingEndpoint[] => endpoints.filter(({ ownerId }) => ownerId !== caller.id && ownerId !== modelOwnerId);

/** Endpoints by name where the caller could list them; of the others only how many there are. */
export function toldOf(endpoints: ServingEndpoint[], caller: UserActor): ErrorDetails {
  const isTold = ({ ownerId }: ServingEndpoint) =>
    caller.permissions.has("endpoints:read") && (caller.role === "admin" || ownerId === caller.id);
  const named = endpoints
    .filter(isTold)
    .map(({ id, ownerId, name, status }) => ({ id, user_id: ownerId, name, status }));
  return { endpoints: named, other_endpoints: endpoints.length - named.length };
}
