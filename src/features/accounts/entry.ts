import { AppError } from "../../kernel/errors.ts";
import type { Settings } from "../../kernel/ctx.ts";
import type { Account } from "./accounts.repo.ts";

const suspended = () =>
  new AppError("forbidden", "ACCOUNT_SUSPENDED", "This account is suspended; ask an administrator.");

const emailNotVerified = () =>
  new AppError(
    "forbidden",
    "EMAIL_NOT_VERIFIED",
    "Open the link we mailed you first, or ask for a new one (POST /api/auth/verify-email/resend).",
  );

const awaitingApproval = () =>
  new AppError("forbidden", "AWAITING_APPROVAL", "An administrator has yet to let you in.");

/** Why an account that has shown who it is may not come in all the same, if so. Every way in asks this. */
export function entryRefusal(
  { registration }: Pick<Settings, "registration">,
  account: Account,
): AppError | undefined {
  if (account.suspendedAt) return suspended();
  if (account.role === "admin") return undefined;
  const needsAddress = registration === "verify" || registration === "approve";
  if (needsAddress && !account.emailVerifiedAt) return emailNotVerified();
  return account.approvedAt ? undefined : awaitingApproval();
}
