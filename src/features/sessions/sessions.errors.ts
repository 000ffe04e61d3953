import { AppError } from "../../kernel/errors.ts";

export const invalidRefreshToken = (reason: "expired" | "invalid") =>
  reason === "expired"
    ? new AppError("unauthenticated", "TOKEN_EXPIRED", "The refresh token has expired; sign in again.")
    : new AppError("unauthenticated", "TOKEN_INVALID", "The refresh token is not valid; sign in again.");

export const userNotFound = () => new AppError("not_found", "USER_NOT_FOUND", "There is no such account.");

export const sessionNotFound = () =>
  new AppError("not_found", "SESSION_NOT_FOUND", "There is no such session of yours.");

export const accountChanged = () =>
  new AppError(
    "unauthenticated",
    "ACCOUNT_CHANGED",
    "The account was changed while you signed in; sign in again.",
  );
