import {
  allowPerson,
  requireFresh,
  requireFreshFactor,
  type SignedInUser,
  unauthenticated,
} from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { type Account, findAccount, isProtected } from "../accounts/index.ts";
import { sendMail } from "../mail/index.ts";
import { markAuthenticated } from "../sessions/index.ts";
import { lastFactorRequired } from "./mfa.errors.ts";
import type { MfaOverview } from "./factors.schema.ts";
import { toPasskey } from "./passkeys.schema.ts";
import { findPasskeysOf } from "./passkeys.repo.ts";
import type { RecoveryCodes } from "./recovery.schema.ts";
import { ensureRecoveryCodes } from "./recovery-issue.service.ts";
import * as repo from "./factors.repo.ts";

/** Whether an account has a second factor at all. */
export async function hasFactor(ctx: Ctx, userId: string): Promise<boolean> {
  const account = await findAccount(ctx.db, userId);
  return account !== undefined && isProtected(account);
}

/** For what a stolen access token must not be enough for: the second factor was shown just now; without one, the password. */
export async function requireRecentProof(ctx: Ctx, actor: SignedInUser): Promise<void> {
  const requireRecent = (await hasFactor(ctx, actor.id)) ? requireFreshFactor : requireFresh;
  requireRecent(actor, ctx.now);
}

/** The caller's own account. */
export async function ownAccount(ctx: Ctx, actor: SignedInUser): Promise<Account> {
  const account = await findAccount(ctx.db, actor.id);
  if (!account) throw unauthenticated(ctx.actor);
  return account;
}

export interface FactorChange {
  actor: SignedInUser;
  account: Account;
}

/** First line of whatever changes second factors: a person who has just shown the password or a factor. */
export async function allowFactorChange(ctx: Ctx): Promise<FactorChange> {
  const actor = allowPerson(ctx, "account:self");
  requireFresh(actor, ctx.now);
  const account = await ownAccount(ctx, actor);
  // A session opened by password alone, before there was a factor, must not be the way round it.
  if (isProtected(account) && actor.session.factorAt === null) requireFreshFactor(actor, ctx.now);
  return { actor, account };
}

/** Tells the owner of an account by mail; a change that was not theirs they should hear of. */
export function mailNotice(ctx: Ctx, account: Account, kind: string, what: string): void {
  const letter = {
    subject: `Myelin: ${what}`,
    paragraphs: [
      `${what} for your account ${account.email}, at ${ctx.now.toISOString()}${ctx.client.ip ? ` from ${ctx.client.ip}` : ""}.`,
      "If this was you, there is nothing to do. If not, sign in, end your other sessions, change your password and look over your second factors.",
    ],
  };
  ctx.background("mfa.notice", sendMail(ctx, kind, account.email, letter));
}

/** What follows a factor that was just set up: recovery codes where there are none, a mail, and for the first one that the session counts as protected. */
export async function factorAdded(
  ctx: Ctx,
  { actor, account }: FactorChange,
  factor: "totp" | "passkey",
): Promise<RecoveryCodes> {
  const codes = await ensureRecoveryCodes(ctx, account);
  if (!isProtected(account)) await markAuthenticated(ctx, actor, factor);
  const what = factor === "totp" ? "An authenticator app was set up" : "A passkey was registered";
  mailNotice(ctx, account, "factor-added", what);
  return codes;
}

/** Throws when the role of the account demands a factor and `left` say that none would remain. */
export function requireFactorLeft(ctx: Ctx, { role }: Account, left: boolean): void {
  if (!left && ctx.settings.requireMfa.has(role)) throw lastFactorRequired(role);
}

/** What follows a factor that was removed: recovery codes go with the last, and a mail. */
export async function factorRemoved(ctx: Ctx, account: Account, what: string): Promise<void> {
  await repo.deleteStrandedCodes(ctx.db, account.id);
  mailNotice(ctx, account, "factor-removed", what);
}

export async function getOverview(ctx: Ctx): Promise<MfaOverview> {
  const actor = allowPerson(ctx, "account:self");
  const account = await ownAccount(ctx, actor);
  return {
    totp: account.hasTotp,
    passkeys: (await findPasskeysOf(ctx.db, actor.id)).map(toPasskey),
    recovery_codes_left: account.recoveryCodeCount,
    required: ctx.settings.requireMfa.has(account.role),
  };
}

/** Removes every second factor and the recovery codes. An account without any stays as it is. */
export async function disableAll(ctx: Ctx): Promise<void> {
  const { account } = await allowFactorChange(ctx);
  requireFactorLeft(ctx, account, false);
  await repo.deleteFactors(ctx.db, account.id);
  if (!isProtected(account)) return;
  await ctx.audit({ action: "mfa.disabled", target: { type: "user", id: account.id } });
  mailNotice(ctx, account, "factor-removed", "All second factors were removed");
}
