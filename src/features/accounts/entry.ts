import type { Settings } from "../../kernel/ctx.ts";
import type { AppError } from "../../kernel/errors.ts";
import { accountSuspended, awaitingApproval, emailNotVerified } from "./accounts.errors.ts";
import type { Account } from "./accounts.repo.ts";

/** Why an account that has proved to be itself may not come in all the same, if so. Every way of signing in asks. */
export function entryRefusal(
  { registration }: Pick<Settings, "registration">,
  account: Pick<Account, "role" | "suspendedAt" | "emailVerifiedAt" | "approvedAt">,
): AppError | undefined {
  if (account.suspendedAt) return accountSuspended();
  if (account.role === "admin") return undefined;
  const needsAddress = registration === "verify" || registration === "approve";
  if (needsAddress && !account.emailVerifiedAt) return emailNotVerified();
  if (!account.approvedAt) return awaitingApproval();
  return undefined;
}
