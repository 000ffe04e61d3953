import type { Ctx } from "../../kernel/ctx.ts";
import { type Account, adminAddresses } from "../accounts/index.ts";
import { linkWith, sendMail } from "../mail/index.ts";
import { issueOneTime, replaceOneTime } from "../one-time-tokens/index.ts";

const VERIFY_SECONDS = 24 * 3600;
const APPROVE_SECONDS = 7 * 86_400;

/** Mails the link that verifies an account's address; it ends the ones before it. */
export async function mailVerification(ctx: Ctx, account: Account): Promise<void> {
  const token = await replaceOneTime(ctx, {
    purpose: "verify-email",
    ttlSeconds: VERIFY_SECONDS,
    userId: account.id,
    data: { email: account.email },
  });
  await sendMail(ctx, "verify-email", account.email, {
    subject: "Verify your address for Myelin",
    paragraphs: [
      `Hello ${account.name},`,
      "please show that this address is yours. The link works once and for a day.",
      "If you did not open an account, nothing happens without it.",
    ],
    action: { label: "Verify this address", url: linkWith(ctx, "/api/auth/verify-email", token) },
  });
}

/** Mails every administrator that somebody with a verified address waits to be let in. */
export async function askForApproval(ctx: Ctx, account: Account): Promise<void> {
  const token = await issueOneTime(ctx, {
    purpose: "approve-user",
    ttlSeconds: APPROVE_SECONDS,
    userId: account.id,
  });
  for (const admin of await adminAddresses(ctx.db)) {
    await sendMail(ctx, "approval-request", admin, {
      subject: "Somebody asks to be let in to Myelin",
      paragraphs: [
        `${account.name} (${account.email}) has opened an account and verified the address.`,
        `The link was opened from ${ctx.client.ip ?? "an unknown address"}.`,
        "You will be asked to sign in before anything happens.",
      ],
      action: { label: "Look at the request", url: linkWith(ctx, "/api/auth/approve-user", token) },
    });
  }
}
