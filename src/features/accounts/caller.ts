import { permissionsOf, type UserActor } from "../../kernel/actor.ts";
import type { Standing } from "./rank.ts";

/** What a request needs to know of the account behind it. */
export interface Caller extends Standing {
  id: string;
  email: string;
  /** What its custom role is called. */
  customRole: string | null;
  /** Whether it has a second factor at this moment. */
  hasFactor: boolean;
}

/** How an account calls: in a session or by an API token, and with how much of what it may do. */
type Way = Pick<UserActor, "session" | "tokenId" | "mfaMissing"> & {
  scopes: readonly string[] | undefined;
};

/** An account as the actor of a request. */
export const userActorOf = (
  { id, email, role, customRole, custom, denied }: Caller,
  { session, tokenId, mfaMissing, scopes }: Way,
): UserActor => ({
  kind: "user",
  id,
  email,
  role,
  roleName: customRole ?? role,
  permissions: permissionsOf({ role, custom, denied, scopes }),
  mfaMissing,
  session,
  tokenId,
});
