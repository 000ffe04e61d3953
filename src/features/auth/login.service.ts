import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import type { AppError } from "../../kernel/errors.ts";
import {
  type Account,
  findAccount,
  findAccountByEmail,
  toUser,
  updateAccount,
  type User,
} from "../accounts/index.ts";
import { forgiveAttempts, takeAttempt } from "../lockouts/index.ts";
import { type MfaRequired, passFirstFactor } from "../mfa/index.ts";
import { isKnownNetwork, type SignedIn } from "../sessions/index.ts";
import * as errors from "./auth.errors.ts";
import type { Login } from "./auth.schema.ts";
import { isPasswordOf } from "./check-password.ts";

/**
 * Counts the attempt for the address, so that guessing from many networks is stopped too. Where the account signed in
 * from lately has a count of its own: nobody else can lock its owner out there.
 */
async function takeLoginAttempt(
  ctx: Ctx,
  email: string,
  account: Account | undefined,
): Promise<AppError | undefined> {
  const refusal = await takeAttempt(ctx, `login:${email}`);
  if (!refusal) return undefined;
  // Asked for nobody too, so that it takes as long.
  const isKnown = await isKnownNetwork(ctx, account?.id ?? crypto.randomUUID());
  if (!isKnown) return refusal;
  return takeAttempt(ctx, `login:${email}:${ctx.client.network}`);
}

async function refused(ctx: Ctx, account: Account | undefined, refusal: AppError): Promise<AppError> {
  await ctx.audit({
    action: "account.login_refused",
    outcome: "refused",
    ...(account && { target: { type: "user", id: account.id } }),
    details: { reason: refusal.code },
  });
  return refusal;
}

/** Opens a session for the right password, or the second step where the account has a second factor. */
export async function login(ctx: Ctx, { email, password }: Login): Promise<SignedIn | MfaRequired> {
  const account = await findAccountByEmail(ctx.db, email);
  const locked = await takeLoginAttempt(ctx, email, account);
  if (locked) throw await refused(ctx, account, locked);
  const isRight = await isPasswordOf(ctx, account, password);
  if (!isRight || !account) throw await refused(ctx, account, errors.invalidCredentials());
  ctx.background("auth.forgive", forgiveAttempts(ctx, `login:${email}`));
  return passFirstFactor(ctx, account, "password");
}

export async function me(ctx: Ctx): Promise<User> {
  const actor = allow(ctx, "account:self");
  const account = await findAccount(ctx.db, actor.id);
  if (!account) throw errors.accountGone();
  return toUser(account, Boolean(actor.session?.factorAt));
}

/** Changes what an account may change of itself without further ado. */
export async function updateMe(ctx: Ctx, { name }: { name: string }): Promise<User> {
  const actor = allow(ctx, "account:self");
  if (!(await updateAccount(ctx.db, actor.id, { name }, ctx.now))) throw errors.accountGone();
  return me(ctx);
}
