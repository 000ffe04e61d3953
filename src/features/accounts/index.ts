/**
 * Accounts as rows, what they look like to their owners, and who outranks whom: the base that signing in, sessions,
 * second factors and administration stand on.
 * Table: users. No blobs, no objects.
 */
export * from "./accounts.repo.ts";
export { type Caller, userActorOf } from "./caller.ts";
export { toUser, User } from "./account.schema.ts";
export { EmailAddress, GivenPassword, NewPassword, PersonName } from "./account-input.schema.ts";
export { isPasswordOf } from "./check-password.ts";
export { entryRefusal } from "./entry.ts";
export { isProtected } from "./protection.ts";
export { refuseAdminAbove, refuseOutranked, type Standing } from "./rank.ts";
export { heldAdmins, isExpendable, isSpared, lockAdmins } from "./last-admin.repo.ts";
export { mayStill, stillMay } from "./watchers.repo.ts";
export { checkNewPassword } from "./password-policy.ts";
