import { AppError } from "../../kernel/errors.ts";
import type { ProviderRefusal } from "../../kernel/ports/identity-provider.ts";

export const unknownProvider = () =>
  new AppError("not_found", "PROVIDER_NOT_FOUND", "There is no identity provider of that name here.");

export const stateInvalid = () =>
  new AppError(
    "unauthenticated",
    "STATE_INVALID",
    "This sign-in was finished already, took too long, or was not begun in this browser.",
  );

export const codeInvalid = () =>
  new AppError(
    "unauthenticated",
    "CODE_INVALID",
    "This code was used already, has expired, or was not made for this browser.",
  );

const PROVIDER_REFUSALS: Record<ProviderRefusal, () => AppError> = {
  denied: () => new AppError("forbidden", "PROVIDER_DENIED", "The identity provider did not sign you in."),
  rejected: () =>
    new AppError(
      "unauthenticated",
      "PROVIDER_REJECTED",
      "The identity provider's answer is not to be trusted.",
    ),
  unavailable: () =>
    new AppError("unavailable", "PROVIDER_UNAVAILABLE", "The identity provider does not answer now.", {
      retry_after: 30,
    }),
};

export const providerRefused = (reason: ProviderRefusal): AppError => PROVIDER_REFUSALS[reason]();

export const accountExists = () =>
  new AppError(
    "conflict",
    "ACCOUNT_EXISTS",
    "There is an account with your address already. Sign in to it, then add this identity to it.",
  );

export const signupClosed = () =>
  new AppError("forbidden", "REGISTRATION_CLOSED", "Registration is closed here; ask an administrator.");

export const addressMissing = () =>
  new AppError(
    "forbidden",
    "EMAIL_MISSING",
    "Your e-mail address is not told to us, and an account needs one.",
  );

export const identityTaken = () =>
  new AppError("conflict", "IDENTITY_TAKEN", "This identity belongs to another account.");

export const identityNotFound = () =>
  new AppError("not_found", "IDENTITY_NOT_FOUND", "There is no such identity of yours.");

export const lastWayIn = () =>
  new AppError(
    "conflict",
    "LAST_WAY_IN",
    "This identity is your only way in. Add a passkey or another identity first.",
  );

export const sessionGone = () =>
  new AppError("unauthenticated", "SESSION_ENDED", "The session this was begun in has ended; sign in again.");

export const directoryOut = () =>
  new AppError("unavailable", "DIRECTORY_UNAVAILABLE", "The directory of people does not answer now.", {
    retry_after: 30,
  });
