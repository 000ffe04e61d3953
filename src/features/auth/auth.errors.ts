import { AppError } from "../../kernel/errors.ts";

export const invalidCredentials = () =>
  new AppError("unauthenticated", "INVALID_CREDENTIALS", "The e-mail address or the password is wrong.");

export const registrationClosed = () =>
  new AppError("forbidden", "REGISTRATION_CLOSED", "Registration is closed here; ask an administrator.");

export const emailTaken = () =>
  new AppError("conflict", "EMAIL_TAKEN", "There is an account with this address already.");

export const invalidRefreshToken = (reason: "expired" | "invalid") =>
  reason === "expired"
    ? new AppError("unauthenticated", "TOKEN_EXPIRED", "The refresh token has expired; sign in again.")
    : new AppError("unauthenticated", "TOKEN_INVALID", "The refresh token is not valid; sign in again.");
