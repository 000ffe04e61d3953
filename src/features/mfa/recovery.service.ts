import type { Ctx } from "../../kernel/ctx.ts";
import { sha256Hex } from "../../kernel/secret.ts";
import { isProtected } from "../accounts/index.ts";
import type { SignedIn } from "../sessions/index.ts";
import { allowFactorChange, mailNotice } from "./factors.service.ts";
import { invalidMfaCode, noSecondFactor } from "./mfa.errors.ts";
import { attemptStep, auditRefusal, finishStep } from "./mfa-step.service.ts";
import { plainRecoveryCode } from "./recovery-code.ts";
import { issueRecoveryCodes } from "./recovery-issue.service.ts";
import type { RecoveryCodes, UseRecoveryCode } from "./recovery.schema.ts";
import { useCode } from "./recovery.repo.ts";

/** The second step of signing in, by one of the codes kept for a lost device. */
export async function signInByRecovery(
  ctx: Ctx,
  { mfa_token: token, code }: UseRecoveryCode,
): Promise<SignedIn> {
  const step = await attemptStep(ctx, token);
  const { account } = step;
  const hash = await sha256Hex(plainRecoveryCode(code));
  if (!(await useCode(ctx.db, account.id, hash, ctx.now))) {
    await auditRefusal(ctx, account.id, "recovery", "wrong_or_used_code");
    throw invalidMfaCode();
  }
  const left = account.recoveryCodeCount - 1;
  await ctx.audit({
    action: "recovery.used",
    actor: { kind: "user", id: account.id, name: account.email },
    details: { left },
  });
  mailNotice(ctx, account, "recovery-used", `A recovery code was used (${left} left)`);
  return finishStep(ctx, step, "recovery");
}

/** Replaces all recovery codes by new ones. */
export async function regenerateRecoveryCodes(ctx: Ctx): Promise<RecoveryCodes> {
  const { account } = await allowFactorChange(ctx);
  if (!isProtected(account)) throw noSecondFactor();
  const codes = await issueRecoveryCodes(ctx, account.id);
  await ctx.audit({ action: "recovery.regenerated", target: { type: "user", id: account.id } });
  mailNotice(ctx, account, "recovery-regenerated", "New recovery codes were made");
  return codes;
}
