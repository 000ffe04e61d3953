import type { Ctx } from "../../kernel/ctx.ts";
import type { Account } from "../accounts/index.ts";
import { sendMail } from "../mail/index.ts";

/** Tells an account's owner of a new way into it. */
export const mailNewIdentity = (ctx: Ctx, account: Account, provider: string): Promise<void> =>
  sendMail(ctx, "identity-linked", account.email, {
    subject: "Another way into your account at Myelin",
    paragraphs: [
      `Hello ${account.name},`,
      `from now on you can sign in through ${provider}. This was asked for from ${ctx.client.ip ?? "an unknown address"}.`,
      "If it was not you, remove the identity and tell an administrator at once.",
    ],
  });
