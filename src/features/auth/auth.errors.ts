import { AppError } from "../../kernel/errors.ts";

export const invalidCredentials = () =>
  new AppError("unauthenticated", "INVALID_CREDENTIALS", "The e-mail address or the password is wrong.");

export const registrationClosed = () =>
  new AppError("forbidden", "REGISTRATION_CLOSED", "Registration is closed here; ask an administrator.");

export const invalidLink = () =>
  new AppError(
    "unauthenticated",
    "LINK_INVALID",
    "This link was used already, has expired, or never was one.",
  );

export const accountGone = () =>
  new AppError("unauthenticated", "SESSION_ENDED", "The account behind this session is gone.");

export const wrongPassword = () =>
  new AppError("forbidden", "WRONG_PASSWORD", "The current password is wrong.");

export const notVerifiedYet = () =>
  new AppError("conflict", "EMAIL_NOT_VERIFIED", "This account has not verified its address yet.");
