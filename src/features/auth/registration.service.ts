import { allowPerson } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import {
  checkNewPassword,
  findAccount,
  findAccountByEmail,
  insertAccount,
  toUser,
  type User,
  verifyAddress,
} from "../accounts/index.ts";
import { sendMail } from "../mail/index.ts";
import { askForApproval, mailVerification } from "../newcomers/index.ts";
import { peekOneTime, recallOneTime, redeemOneTime } from "../one-time-tokens/index.ts";
import { approveUser } from "../users/index.ts";
import * as errors from "./auth.errors.ts";
import type { Register, Registered } from "./auth.schema.ts";
import { isMailAllowed } from "./mail-limit.ts";

const MESSAGES = {
  open: "Welcome; you may sign in.",
  verify: "Open the link we mailed to this address, then sign in.",
  approve: "Open the link we mailed to this address; an administrator will then let you in.",
} as const;

/** Tells the owner of an address that somebody, perhaps they, tried to open a second account with it. */
async function mailKnown(ctx: Ctx, email: string): Promise<void> {
  if (!(await isMailAllowed(ctx, "known", email))) return;
  await sendMail(ctx, "account-exists", email, {
    subject: "You have an account at Myelin already",
    paragraphs: [
      "Somebody, perhaps you, tried to open an account with this address. There is one already.",
      "If you forgot the password, ask for a new one. Otherwise there is nothing to do.",
    ],
    action: { label: "Sign in", url: `${ctx.settings.publicUrl}/login` },
  });
}

/** Opens an account with the role `user`. The answer is the same whether or not the address had one already. */
export async function register(ctx: Ctx, input: Register): Promise<Registered & { id: string }> {
  const { registration } = ctx.settings;
  if (registration === "closed") throw errors.registrationClosed();
  await checkNewPassword(input.password, [input.email, input.name]);
  const passwordHash = await ctx.passwords.hash(input.password);
  const account = await insertAccount(ctx.db, {
    email: input.email,
    name: input.name,
    passwordHash,
    approvedAt: registration === "approve" ? null : ctx.now,
  });
  if (!account) ctx.background("mail.account_exists", mailKnown(ctx, input.email));
  else if (registration !== "open") ctx.background("mail.verify", mailVerification(ctx, account));
  await ctx.audit({
    action: "account.registered",
    outcome: account ? "ok" : "refused",
    ...(account && { target: { type: "user", id: account.id } }),
  });
  return { success: true, message: MESSAGES[registration], id: account?.id ?? crypto.randomUUID() };
}

/** Mails another verification link, if there is an account that needs one; the answer never tells. */
export async function resendVerification(ctx: Ctx, email: string): Promise<void> {
  const account = await findAccountByEmail(ctx.db, email);
  const isAllowed = await isMailAllowed(ctx, "verify", email);
  if (account?.emailVerifiedAt === null && isAllowed)
    ctx.background("mail.verify", mailVerification(ctx, account));
}

export type Verification = "email_verified" | "already_verified";

/** Takes the link that was mailed to a new account's address. */
export async function verifyEmail(ctx: Ctx, token: string): Promise<Verification> {
  const row = await redeemOneTime(ctx, "verify-email", token);
  const account = row?.userId ? await findAccount(ctx.db, row.userId) : undefined;
  if (!row || !account) {
    const old = await recallOneTime(ctx, "verify-email", token);
    const owner = old?.userId ? await findAccount(ctx.db, old.userId) : undefined;
    if (owner?.emailVerifiedAt && old?.usedAt) return "already_verified";
    throw errors.invalidLink();
  }
  if (!(await verifyAddress(ctx.db, account.id, String(row.data.email), ctx.now))) return "already_verified";
  await ctx.audit({
    action: "account.email_verified",
    actor: { kind: "user", id: account.id, name: account.email },
    target: { type: "user", id: account.id },
  });
  if (!account.approvedAt) ctx.background("mail.approval", askForApproval(ctx, account));
  return "email_verified";
}

/** Lets an account in whose owner asked for it; the link alone does nothing without an administrator's session. */
export async function approveByLink(ctx: Ctx, token: string): Promise<User> {
  allowPerson(ctx, "users:write");
  const pending = await peekOneTime(ctx, "approve-user", token);
  const account = pending?.userId ? await findAccount(ctx.db, pending.userId) : undefined;
  if (!account) throw errors.invalidLink();
  if (!account.emailVerifiedAt) throw errors.notVerifiedYet();
  await approveUser(ctx, account.id);
  return toUser({ ...account, approvedAt: ctx.now });
}
