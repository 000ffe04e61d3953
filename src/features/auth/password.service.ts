import { allowPerson } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import {
  type Account,
  checkNewPassword,
  dropCredentials,
  findAccount,
  findAccountByEmail,
  isPasswordOf,
  updateAccount,
  verifyAddress,
} from "../accounts/index.ts";
import { hasIdentity } from "../federation/index.ts";
import { forgiveAttempts, takeAttempt } from "../lockouts/index.ts";
import { linkWith, sendMail } from "../mail/index.ts";
import { askForApproval } from "../newcomers/index.ts";
import { endOneTime, peekOneTime, redeemOneTime, replaceOneTime } from "../one-time-tokens/index.ts";
import { endSessionsOf } from "../sessions/index.ts";
import { forgetCallersOf } from "../users/index.ts";
import * as errors from "./auth.errors.ts";
import type { ChangePassword, ResetPassword } from "./auth.schema.ts";
import { isMailAllowed } from "./mail-limit.ts";

const RESET_SECONDS = 30 * 60;

async function mailReset(ctx: Ctx, account: Account): Promise<void> {
  const token = await replaceOneTime(ctx, {
    purpose: "reset-password",
    ttlSeconds: RESET_SECONDS,
    userId: account.id,
    data: { email: account.email },
  });
  await sendMail(ctx, "reset-password", account.email, {
    subject: "A new password for Myelin",
    paragraphs: [
      `Hello ${account.name},`,
      "somebody, perhaps you, asked for a new password. The link works once and for half an hour.",
      "If it was not you, nothing happens without it.",
    ],
    action: { label: "Choose a new password", url: linkWith(ctx, "/reset-password", token) },
  });
}

/**
 * A link, or for people whose password somebody else keeps, where they sign in instead. An address that was only said to
 * be theirs may be another's, who gets it back by the link.
 */
async function mailForgotten(ctx: Ctx, account: Account): Promise<void> {
  const isTheirs = account.passwordHash === null && account.emailVerifiedAt !== null;
  const isElsewhere = isTheirs && (await hasIdentity(ctx, account.id));
  if (!isElsewhere) return mailReset(ctx, account);
  await sendMail(ctx, "password-elsewhere", account.email, {
    subject: "Your password is not kept by Myelin",
    paragraphs: [
      `Hello ${account.name},`,
      "somebody, perhaps you, asked for a new password. You sign in by your organisation's account; it keeps your password.",
    ],
    action: { label: "Sign in", url: `${ctx.settings.publicUrl}/login` },
  });
}

/** Mails a link for a new password, if the address has an account; the answer never tells. */
export async function forgotPassword(ctx: Ctx, email: string): Promise<void> {
  const account = await findAccountByEmail(ctx.db, email);
  const isAllowed = await isMailAllowed(ctx, "reset", email);
  if (account && !account.suspendedAt && isAllowed) ctx.background("mail.reset", mailForgotten(ctx, account));
  await ctx.audit({
    action: "account.reset_asked",
    outcome: account ? "ok" : "refused",
    ...(account && { target: { type: "user", id: account.id } }),
  });
}

async function setPassword(ctx: Ctx, account: Account, password: string): Promise<void> {
  const passwordHash = await ctx.passwords.hash(password);
  await updateAccount(ctx.db, account.id, { passwordHash, passwordChangedAt: ctx.now }, ctx.now);
  // Whoever had the old one must not finish what they began with it.
  for (const purpose of ["reset-password", "mfa", "change-email"] as const)
    await endOneTime(ctx, purpose, account.id);
  ctx.background(
    "mail.password_changed",
    sendMail(ctx, "password-changed", account.email, {
      subject: "Your password for Myelin was changed",
      paragraphs: [
        `Hello ${account.name},`,
        `your password was changed from ${ctx.client.ip ?? "an unknown address"}. If it was not you, ask for a new one at once.`,
      ],
    }),
  );
}

/**
 * The link was the first proof of whose the address is: nothing that somebody may have put into the account before opens
 * it any more.
 */
async function claimAddress(ctx: Ctx, account: Account): Promise<void> {
  await dropCredentials(ctx.db, account.id);
  forgetCallersOf(account.id);
  await verifyAddress(ctx.db, account.id, account.email, ctx.now);
  if (!account.approvedAt) ctx.background("mail.approval", askForApproval(ctx, account));
}

/**
 * Sets a new password by a mailed link. It signs nobody in, so a second factor is still asked for, and ends every
 * session. Who got the link has the address, which is thereby verified.
 */
export async function resetPassword(ctx: Ctx, { token, password }: ResetPassword): Promise<void> {
  const pending = await peekOneTime(ctx, "reset-password", token);
  const account = pending?.userId ? await findAccount(ctx.db, pending.userId) : undefined;
  // A link is good for the address it was mailed to, not for one the account got since.
  if (!account || account.suspendedAt || pending?.data.email !== account.email) throw errors.invalidLink();
  // A password that is refused must not cost the link.
  await checkNewPassword(password, [account.email, account.name]);
  if (!(await redeemOneTime(ctx, "reset-password", token))) throw errors.invalidLink();
  await setPassword(ctx, account, password);
  if (!account.emailVerifiedAt) await claimAddress(ctx, account);
  await forgiveAttempts(ctx, `login:${account.email}`);
  await endSessionsOf(ctx, account.id, "password reset");
  await ctx.audit({
    action: "account.password_reset",
    actor: { kind: "user", id: account.id, name: account.email },
    target: { type: "user", id: account.id },
  });
}

/** The account behind the caller, once it has shown its password again. */
export async function confirmedAccount(ctx: Ctx, password: string): Promise<Account> {
  const actor = allowPerson(ctx, "account:self");
  const locked = await takeAttempt(ctx, `password:${actor.id}`);
  if (locked) throw locked;
  const account = await findAccount(ctx.db, actor.id);
  if (!account || !(await isPasswordOf(ctx, account, password))) throw errors.wrongPassword();
  await forgiveAttempts(ctx, `password:${actor.id}`);
  return account;
}

/** Changes the caller's password and ends all of their other sessions. */
export async function changePassword(ctx: Ctx, input: ChangePassword): Promise<void> {
  const { session } = allowPerson(ctx, "account:self");
  const account = await confirmedAccount(ctx, input.current_password);
  await checkNewPassword(input.new_password, [account.email, account.name]);
  await setPassword(ctx, account, input.new_password);
  await endSessionsOf(ctx, account.id, "password changed", session.id);
  await ctx.audit({ action: "account.password_changed", target: { type: "user", id: account.id } });
}
