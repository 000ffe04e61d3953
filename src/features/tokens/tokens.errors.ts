import type { Permission } from "../../kernel/actor.ts";
import { AppError } from "../../kernel/errors.ts";

export const tokenNotFound = () =>
  new AppError("not_found", "TOKEN_NOT_FOUND", "There is no such API token of yours.");

export const tooManyTokens = (limit: number) =>
  new AppError("conflict", "TOO_MANY_TOKENS", `You have ${limit} live API tokens; revoke one first.`, {
    limit,
  });

export const scopesBeyondYours = (scopes: Permission[]) =>
  new AppError(
    "forbidden",
    "SCOPES_BEYOND_YOURS",
    `A token can do no more than you: you lack ${scopes.join(", ")}.`,
    { scopes },
  );

export const scopesWiden = () =>
  new AppError(
    "invalid",
    "SCOPES_WIDEN",
    "The scopes of a token can only be narrowed; make a new one for more.",
  );

export const tokenHasExpired = () =>
  new AppError("conflict", "TOKEN_HAS_EXPIRED", "This token has expired; make a new one.");
