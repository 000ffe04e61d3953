import { allowPerson } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import {
  type Account,
  checkNewPassword,
  findAccount,
  findAccountByEmail,
  updateAccount,
} from "../accounts/index.ts";
import { forgiveAttempts, takeAttempt } from "../lockouts/index.ts";
import { sendMail } from "../mail/index.ts";
import { endOneTime, issueOneTime, peekOneTime, redeemOneTime } from "../one-time-tokens/index.ts";
import { endSessionsOf } from "../sessions/index.ts";
import * as errors from "./auth.errors.ts";
import type { ChangePassword, ResetPassword } from "./auth.schema.ts";
import { isPasswordOf } from "./check-password.ts";
import { isMailAllowed } from "./mail-limit.ts";

const RESET_SECONDS = 30 * 60;

async function mailReset(ctx: Ctx, account: Account): Promise<void> {
  await endOneTime(ctx, "reset-password", account.id);
  const token = await issueOneTime(ctx, {
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
    action: {
      label: "Choose a new password",
      url: `${ctx.settings.publicUrl}/reset-password?token=${token}`,
    },
  });
}

/** Mails a link for a new password, if the address has an account; the answer never tells. */
export async function forgotPassword(ctx: Ctx, email: string): Promise<void> {
  const account = await findAccountByEmail(ctx.db, email);
  const isAllowed = await isMailAllowed(ctx, "reset", email);
  if (account && !account.suspendedAt && isAllowed) ctx.background("mail.reset", mailReset(ctx, account));
  await ctx.audit({
    action: "account.reset_asked",
    outcome: account ? "ok" : "refused",
    ...(account && { target: { type: "user", id: account.id } }),
  });
}

async function setPassword(ctx: Ctx, account: Account, password: string): Promise<void> {
  const passwordHash = await ctx.passwords.hash(password);
  await updateAccount(ctx.db, account.id, { passwordHash, passwordChangedAt: ctx.now }, ctx.now);
  await endOneTime(ctx, "reset-password", account.id);
  await endOneTime(ctx, "mfa", account.id);
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
  if (!account.emailVerifiedAt)
    await updateAccount(ctx.db, account.id, { emailVerifiedAt: ctx.now }, ctx.now);
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
