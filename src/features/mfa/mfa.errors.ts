import { AppError } from "../../kernel/errors.ts";

export const invalidMfaToken = () =>
  new AppError(
    "unauthenticated",
    "MFA_TOKEN_INVALID",
    "This step was finished already, has expired, or was tried too often; sign in again.",
  );

export const invalidMfaCode = () =>
  new AppError("unauthenticated", "INVALID_MFA_CODE", "The code is wrong, or was used already.");

export const wrongPassword = () =>
  new AppError("unauthenticated", "INVALID_CREDENTIALS", "The password is wrong.");

export const totpAlreadyEnabled = () =>
  new AppError(
    "conflict",
    "TOTP_ALREADY_ENABLED",
    "There is an authenticator app already; disable it first (POST /api/auth/mfa/totp/disable).",
  );

export const totpNotSetUp = () =>
  new AppError(
    "conflict",
    "TOTP_NOT_SET_UP",
    "There is no secret to enable; make one first (POST /api/auth/mfa/totp/setup).",
  );

export const totpNotEnabled = () =>
  new AppError("conflict", "TOTP_NOT_ENABLED", "There is no authenticator app to disable.");

export const noSecondFactor = () =>
  new AppError(
    "conflict",
    "NO_SECOND_FACTOR",
    "Recovery codes stand in for a second factor; set one up first.",
  );

export const lastFactorRequired = (role: string) =>
  new AppError(
    "conflict",
    "LAST_FACTOR_REQUIRED",
    `The role ${role} demands a second factor; set up another one before you remove the last.`,
  );

export const noPasskey = () =>
  new AppError("unauthenticated", "NO_PASSKEY", "This account has no passkey; use another second factor.");

/** One text for every flaw: the audit trail knows which it was. */
export const passkeyRefused = () =>
  new AppError("unauthenticated", "PASSKEY_REFUSED", "The passkey was not accepted; start again.");

export const passkeyNotVerified = () =>
  new AppError("invalid", "PASSKEY_NOT_VERIFIED", "The new passkey could not be verified; start again.");

export const passkeyKnown = () =>
  new AppError("conflict", "PASSKEY_EXISTS", "This passkey is registered already.");

export const tooManyPasskeys = (limit: number) =>
  new AppError("conflict", "TOO_MANY_PASSKEYS", `An account may have ${limit} passkeys; remove one first.`);

export const passkeyNotFound = () =>
  new AppError("not_found", "PASSKEY_NOT_FOUND", "There is no such passkey of yours.");
