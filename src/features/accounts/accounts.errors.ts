import type { Permission } from "../../kernel/actor.ts";
import { AppError } from "../../kernel/errors.ts";

export const emailNotVerified = () =>
  new AppError(
    "forbidden",
    "EMAIL_NOT_VERIFIED",
    "Open the link we mailed you first, or ask for a new one (POST /api/auth/verify-email/resend).",
  );

export const awaitingApproval = () =>
  new AppError("forbidden", "AWAITING_APPROVAL", "An administrator has yet to let you in.");

export const accountSuspended = () =>
  new AppError("forbidden", "ACCOUNT_SUSPENDED", "This account is suspended; ask an administrator.");

export const outranked = (permissions: Permission[]) =>
  new AppError(
    "forbidden",
    "ACCOUNT_OUTRANKS_YOU",
    `This account may do, or would, what you may not: ${permissions.join(", ")}.`,
    { permissions },
  );
