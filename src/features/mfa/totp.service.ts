import type { Ctx } from "../../kernel/ctx.ts";
import type { SignedIn } from "../sessions/index.ts";
import { allowFactorChange, factorAdded, factorRemoved, requireFactorLeft } from "./factors.service.ts";
import { invalidMfaCode, totpAlreadyEnabled, totpNotEnabled, totpNotSetUp } from "./mfa.errors.ts";
import { attemptStep, auditRefusal, finishStep } from "./mfa-step.service.ts";
import type { RecoveryCodes } from "./recovery.schema.ts";
import { newTotpSecret, otpauthUrl, qrDataUrl, stepOfCode } from "./totp.ts";
import type { TotpSetup, VerifyTotp } from "./totp.schema.ts";
import * as repo from "./totp.repo.ts";

const contextOf = (userId: string) => `totp:${userId}`;

/** Makes a secret that counts once a first code of it was shown; a second call replaces it. */
export async function setupTotp(ctx: Ctx): Promise<TotpSetup> {
  const { account } = await allowFactorChange(ctx);
  const secret = newTotpSecret();
  const sealed = await ctx.sealer.seal(secret, contextOf(account.id));
  if (!(await repo.putPending(ctx.db, account.id, sealed, ctx.now))) throw totpAlreadyEnabled();
  const url = otpauthUrl(secret, account.email);
  return { secret, otpauth_url: url, qr_code: qrDataUrl(url) };
}

/** Enables the secret that waits, by a code of it; that code is thereby used. */
export async function enableTotp(ctx: Ctx, code: string): Promise<RecoveryCodes> {
  const change = await allowFactorChange(ctx);
  const row = await repo.findTotp(ctx.db, change.account.id);
  if (!row) throw totpNotSetUp();
  if (row.enabledAt) throw totpAlreadyEnabled();
  const secret = await ctx.sealer.open(row.sealedSecret, contextOf(row.userId));
  const step = stepOfCode(secret, code, ctx.now);
  if (step === undefined) {
    await auditRefusal(ctx, row.userId, "totp", "wrong_first_code");
    throw invalidMfaCode();
  }
  if (!(await repo.enable(ctx.db, row, step, ctx.now))) throw totpNotSetUp();
  await ctx.audit({ action: "mfa.totp_enabled", target: { type: "user", id: row.userId } });
  return factorAdded(ctx, change, "totp");
}

/** Takes a code of an account, once; throws for a wrong or used one. */
export async function takeTotpCode(ctx: Ctx, userId: string, code: string): Promise<void> {
  const row = await repo.findTotp(ctx.db, userId);
  const refuse = async (reason: string) => {
    await auditRefusal(ctx, userId, "totp", reason);
    throw invalidMfaCode();
  };
  if (!row?.enabledAt) return refuse("not_enabled");
  const secret = await ctx.sealer.open(row.sealedSecret, contextOf(userId));
  const step = stepOfCode(secret, code, ctx.now);
  if (step === undefined) return refuse("wrong_code");
  if (!(await repo.takeStep(ctx.db, userId, step))) return refuse("code_used_before");
}

/** The second step of signing in, by a code of the authenticator app. */
export async function verifyTotp(ctx: Ctx, { mfa_token: token, code }: VerifyTotp): Promise<SignedIn> {
  const step = await attemptStep(ctx, token);
  await takeTotpCode(ctx, step.account.id, code);
  return finishStep(ctx, step, "totp");
}

/** Removes the authenticator app. */
export async function disableTotp(ctx: Ctx): Promise<void> {
  const { account } = await allowFactorChange(ctx);
  if (!account.hasTotp) throw totpNotEnabled();
  requireFactorLeft(ctx, account, account.passkeyCount > 0);
  if (!(await repo.deleteTotp(ctx.db, account.id))) throw totpNotEnabled();
  await ctx.audit({ action: "mfa.totp_disabled", target: { type: "user", id: account.id } });
  await factorRemoved(ctx, account, "The authenticator app was removed");
}

const REWRAPPED_AT_ONCE = 200;

/** Encrypts secrets anew that still need an older key, so that it can be dropped from the configuration. */
export async function sweepTotpSecrets(ctx: Pick<Ctx, "db" | "sealer">): Promise<number> {
  const stale = await repo.findStale(ctx.db, ctx.sealer.olderPrefixes, REWRAPPED_AT_ONCE);
  for (const row of stale) {
    const context = contextOf(row.userId);
    const secret = await ctx.sealer.open(row.sealedSecret, context);
    await repo.replaceSealed(ctx.db, row, await ctx.sealer.seal(secret, context));
  }
  return stale.length;
}
