import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import {
  type Account,
  checkNewPassword,
  findAccount,
  findAccountByEmail,
  insertAccount,
  toUser,
  type User,
} from "../accounts/index.ts";
import { type MfaRequired, passFirstFactor } from "../mfa/index.ts";
import type { SignedIn } from "../sessions/index.ts";
import * as errors from "./auth.errors.ts";
import type { Login, Register, Registered } from "./auth.schema.ts";

/** Opens an account with the role `user`. The answer is the same whether or not the address had one already. */
export async function register(ctx: Ctx, input: Register): Promise<Registered> {
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
  await ctx.audit({
    action: "account.registered",
    outcome: account ? "ok" : "refused",
    ...(account && { target: { type: "user", id: account.id } }),
  });
  return { success: true, message: "Welcome; you may sign in." };
}

// Verified against when there is no such account, so that the answer takes as long either way.
let decoyHash: string | undefined;

async function checkPassword(ctx: Ctx, account: Account | undefined, password: string): Promise<boolean> {
  decoyHash ??= await ctx.passwords.hash(crypto.randomUUID());
  const isRight = await ctx.passwords.verify(account?.passwordHash ?? decoyHash, password);
  return isRight && typeof account?.passwordHash === "string";
}

/** Why an account with the right password may not come in, if so. */
function refusalOf(ctx: Ctx, account: Account) {
  const { registration } = ctx.settings;
  if (account.suspendedAt) return errors.accountSuspended();
  if (account.role === "admin") return undefined;
  const needsAddress = registration === "verify" || registration === "approve";
  if (needsAddress && !account.emailVerifiedAt) return errors.emailNotVerified();
  if (!account.approvedAt) return errors.awaitingApproval();
  return undefined;
}

/** Opens a session for the right password, or the second step where the account has a second factor. */
export async function login(ctx: Ctx, input: Login): Promise<SignedIn | MfaRequired> {
  const account = await findAccountByEmail(ctx.db, input.email);
  const isRight = await checkPassword(ctx, account, input.password);
  const refusal = !isRight || !account ? errors.invalidCredentials() : refusalOf(ctx, account);
  if (refusal || !account) {
    await ctx.audit({
      action: "account.login_refused",
      outcome: "refused",
      ...(account && { target: { type: "user", id: account.id } }),
      details: { reason: refusal!.code },
    });
    throw refusal!;
  }
  return passFirstFactor(ctx, account, "password");
}

export async function me(ctx: Ctx): Promise<User> {
  const actor = allow(ctx, "account:self");
  const account = await findAccount(ctx.db, actor.id);
  if (!account) throw errors.invalidCredentials();
  return toUser(account, actor.session?.factorAt !== null && actor.session !== null);
}
