import type { UserRow } from "../../db/schema.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { sendMail } from "../mail/index.ts";
import { endOneTime, issueOneTime } from "../one-time-tokens/index.ts";
import * as letters from "./user-letters.ts";

type Recipient = Pick<UserRow, "id" | "email" | "name">;

const INVITED_SECONDS = 7 * 86_400;
const RESET_SECONDS = 30 * 60;
const VERIFY_SECONDS = 86_400;

const addressee = (ctx: Ctx, { name }: Recipient) => ({ name, publicUrl: ctx.settings.publicUrl });

/** A token that is good for the address it was mailed to; a newer one takes the place of those before. */
async function issue(
  ctx: Ctx,
  purpose: "reset-password" | "verify-email",
  { id: userId, email }: Recipient,
  ttlSeconds: number,
): Promise<string> {
  await endOneTime(ctx, purpose, userId);
  return issueOneTime(ctx, { purpose, ttlSeconds, userId, data: { email } });
}

async function sendPasswordLink(ctx: Ctx, user: Recipient, hasPassword: boolean): Promise<void> {
  const ttlSeconds = hasPassword ? RESET_SECONDS : INVITED_SECONDS;
  const token = await issue(ctx, "reset-password", user, ttlSeconds);
  const compose = hasPassword ? letters.passwordReset : letters.invitation;
  await sendMail(ctx, "reset-password", user.email, compose(addressee(ctx, user), token));
}

/** Mails a link to choose a password; after the answer. */
export const mailPasswordLink = (ctx: Ctx, user: Recipient, hasPassword: boolean): void =>
  ctx.background("users.mail_password_link", sendPasswordLink(ctx, user, hasPassword));

async function sendAddressCheck(ctx: Ctx, user: Recipient, former: string): Promise<void> {
  // A link that went to the former address must not open the account any more.
  await endOneTime(ctx, "reset-password", user.id);
  const token = await issue(ctx, "verify-email", user, VERIFY_SECONDS);
  await sendMail(ctx, "verify-email", user.email, letters.addressCheck(addressee(ctx, user), token));
  await sendMail(ctx, "address-moved", former, letters.addressMoved(addressee(ctx, user), user.email));
}

/** Has a new address confirmed, and tells the one before; after the answer. */
export const mailAddressCheck = (ctx: Ctx, user: Recipient, former: string): void =>
  ctx.background("users.mail_address_check", sendAddressCheck(ctx, user, former));

/** Tells somebody that they were let in; after the answer. */
export const mailWelcome = (ctx: Ctx, user: Recipient): void =>
  ctx.background(
    "users.mail_welcome",
    sendMail(ctx, "welcome", user.email, letters.welcome(addressee(ctx, user))),
  );
