import type { UserRow } from "../../db/schema.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { linkWith, sendMail } from "../mail/index.ts";
import { endOneTime, replaceOneTime } from "../one-time-tokens/index.ts";
import * as letters from "./user-letters.ts";

type Recipient = Pick<UserRow, "id" | "email" | "name">;

const INVITED_SECONDS = 7 * 86_400;
const RESET_SECONDS = 30 * 60;
const VERIFY_SECONDS = 86_400;

/** A token that is good for the address it is mailed to. */
const issue = (
  ctx: Ctx,
  purpose: "reset-password" | "verify-email",
  { id: userId, email }: Recipient,
  ttlSeconds: number,
): Promise<string> => replaceOneTime(ctx, { purpose, ttlSeconds, userId, data: { email } });

async function sendPasswordLink(ctx: Ctx, user: Recipient, hasPassword: boolean): Promise<void> {
  const ttlSeconds = hasPassword ? RESET_SECONDS : INVITED_SECONDS;
  const token = await issue(ctx, "reset-password", user, ttlSeconds);
  const compose = hasPassword ? letters.passwordReset : letters.invitation;
  const letter = compose(user.name, linkWith(ctx, "/reset-password", token));
  await sendMail(ctx, "reset-password", user.email, letter);
}

/** Mails a link to choose a password; after the answer. */
export const mailPasswordLink = (ctx: Ctx, user: Recipient, hasPassword: boolean): void =>
  ctx.background("users.mail_password_link", sendPasswordLink(ctx, user, hasPassword));

async function sendAddressCheck(ctx: Ctx, user: Recipient, former: string): Promise<void> {
  // A link that went to the former address must not open the account any more.
  await endOneTime(ctx, "reset-password", user.id);
  const token = await issue(ctx, "verify-email", user, VERIFY_SECONDS);
  const link = linkWith(ctx, "/api/auth/verify-email", token);
  await sendMail(ctx, "verify-email", user.email, letters.addressCheck(user.name, link));
  await sendMail(ctx, "address-moved", former, letters.addressMoved(user.name, user.email));
}

/** Has a new address confirmed, and tells the one before; after the answer. */
export const mailAddressCheck = (ctx: Ctx, user: Recipient, former: string): void =>
  ctx.background("users.mail_address_check", sendAddressCheck(ctx, user, former));

/** Tells somebody that they were let in; after the answer. */
export const mailWelcome = (ctx: Ctx, user: Recipient): void =>
  ctx.background(
    "users.mail_welcome",
    sendMail(ctx, "welcome", user.email, letters.welcome(user.name, `${ctx.settings.publicUrl}/login`)),
  );
