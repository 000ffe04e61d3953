import { AppError, invalidFields } from "../../kernel/errors.ts";
import type { Holdings } from "./holdings.repo.ts";

export const userNotFound = () => new AppError("not_found", "USER_NOT_FOUND", "There is no such account.");

export const emailTaken = () =>
  new AppError("conflict", "EMAIL_TAKEN", "Another account has this e-mail address.");

export const roleUnknown = (name: string) =>
  invalidFields("body", [{ path: "custom_role", message: `there is no role ${name}` }]);

export const roleMismatch = (base: string) =>
  invalidFields("body", [{ path: "role", message: `the custom role builds on ${base}; leave role out` }]);

export const ownAccount = () =>
  new AppError(
    "conflict",
    "OWN_ACCOUNT",
    "Nobody demotes, suspends or deletes themselves; ask another administrator.",
  );

export const lastAdmin = () =>
  new AppError(
    "conflict",
    "LAST_ADMIN",
    "This is the last active administrator; make somebody else one first.",
  );

export const ownsThings = (holdings: Holdings) =>
  new AppError(
    "conflict",
    "ACCOUNT_OWNS_THINGS",
    "The account still owns things; name who gets them (?transfer_to=<user id>), or delete them first.",
    { ...holdings },
  );

export const transferTargetUnknown = () =>
  invalidFields("query", [{ path: "transfer_to", message: "is not another account" }]);

export const transferConflict = () =>
  new AppError(
    "conflict",
    "TRANSFER_CONFLICT",
    "The other account has a model or an agent of the same name; rename one of them first.",
  );
