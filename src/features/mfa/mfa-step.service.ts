import type { Ctx } from "../../kernel/ctx.ts";
import type { Account } from "../accounts/index.ts";
import { issueOneTime } from "../one-time-tokens/index.ts";
import { openSession, type SignedIn } from "../sessions/index.ts";
import type { MFA_METHODS, MfaRequired } from "./mfa-step.schema.ts";

const STEP_SECONDS = 300;

function methodsOf({ hasTotp, passkeyCount, recoveryCodeCount }: Account): (typeof MFA_METHODS)[number][] {
  if (!hasTotp && passkeyCount === 0) return [];
  return [
    ...(hasTotp ? (["totp"] as const) : []),
    ...(passkeyCount > 0 ? (["webauthn"] as const) : []),
    ...(recoveryCodeCount > 0 ? (["recovery"] as const) : []),
  ];
}

/**
 * What follows a right first factor (`password`, `ldap`, `oidc:<provider>`): a session, or the step that asks for a
 * second factor where the account has one.
 */
export async function passFirstFactor(
  ctx: Ctx,
  account: Account,
  method: string,
): Promise<SignedIn | MfaRequired> {
  const methods = methodsOf(account);
  if (methods.length === 0) return openSession(ctx, account, [method]);
  const token = await issueOneTime(ctx, {
    purpose: "mfa",
    ttlSeconds: STEP_SECONDS,
    userId: account.id,
    // A password changed in between ends the step.
    data: { method, passwordChangedAt: account.passwordChangedAt.toISOString() },
  });
  return { requires_mfa: true, mfa_token: token, mfa_methods: methods, expires_in: STEP_SECONDS };
}
