import type { Ctx } from "../../kernel/ctx.ts";
import { isUniqueViolation } from "../../kernel/postgres-error.ts";
import { type Account, findAccount, findAccountByEmail, updateAccount } from "../accounts/index.ts";
import { linkWith, sendMail } from "../mail/index.ts";
import { redeemOneTime, replaceOneTime } from "../one-time-tokens/index.ts";
import { endSessionsOf } from "../sessions/index.ts";
import * as errors from "./auth.errors.ts";
import type { ChangeEmail } from "./auth.schema.ts";
import { isMailAllowed } from "./mail-limit.ts";
import { confirmedAccount } from "./password.service.ts";

const CHANGE_SECONDS = 3600;

async function mailChange(ctx: Ctx, account: Account, email: string): Promise<void> {
  if (await findAccountByEmail(ctx.db, email)) return;
  if (!(await isMailAllowed(ctx, "change", email))) return;
  const token = await replaceOneTime(ctx, {
    purpose: "change-email",
    ttlSeconds: CHANGE_SECONDS,
    userId: account.id,
    data: { email, from: account.email, passwordChangedAt: account.passwordChangedAt.toISOString() },
  });
  await sendMail(ctx, "change-email", email, {
    subject: "Your new address for Myelin",
    paragraphs: [
      `Hello ${account.name},`,
      "please show that this address is yours. The link works once and for an hour.",
    ],
    action: { label: "Use this address", url: linkWith(ctx, "/api/auth/email/confirm", token) },
  });
}

/** Mails a link to the new address; until it is opened, the old one stays. The answer never tells if it is taken. */
export async function askEmailChange(ctx: Ctx, { email, password }: ChangeEmail): Promise<void> {
  const account = await confirmedAccount(ctx, password);
  await ctx.audit({ action: "account.email_change_asked", target: { type: "user", id: account.id } });
  ctx.background("mail.change_email", mailChange(ctx, account, email));
}

/** Takes the link that was mailed to the new address, and tells the old one. */
export async function confirmEmailChange(ctx: Ctx, token: string): Promise<void> {
  const row = await redeemOneTime(ctx, "change-email", token);
  const account = row?.userId ? await findAccount(ctx.db, row.userId) : undefined;
  // It was asked for with a password: with another one in force, or the account shut, nobody asked.
  const isCurrent =
    account?.email === row?.data.from &&
    account?.passwordChangedAt.toISOString() === row?.data.passwordChangedAt;
  if (!row || !account || account.suspendedAt || !isCurrent) throw errors.invalidLink();
  const email = String(row.data.email);
  try {
    await updateAccount(ctx.db, account.id, { email, emailVerifiedAt: ctx.now }, ctx.now);
  } catch (error) {
    if (isUniqueViolation(error)) throw errors.invalidLink();
    throw error;
  }
  await endSessionsOf(ctx, account.id, "address changed");
  await ctx.audit({
    action: "account.email_changed",
    actor: { kind: "user", id: account.id, name: account.email },
    target: { type: "user", id: account.id },
    details: { to: email },
  });
  ctx.background(
    "mail.email_changed",
    sendMail(ctx, "email-changed", account.email, {
      subject: "Your address for Myelin was changed",
      paragraphs: [
        `Your account now has the address ${email}. If it was not you, tell an administrator at once.`,
      ],
    }),
  );
}
