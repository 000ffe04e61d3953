import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { AppError } from "../../kernel/errors.ts";
import {
  type Account,
  findAccount,
  isPasswordOf,
  toUser,
  updateAccount,
  type User,
} from "../accounts/index.ts";
import { askDirectoryInVain, signInByDirectory } from "../federation/index.ts";
import { attemptAt, takeAroundLock } from "../lockouts/index.ts";
import { type MfaRequired, passFirstFactor } from "../mfa/index.ts";
import type { SignedIn } from "../sessions/index.ts";
import * as errors from "./auth.errors.ts";
import type { Login } from "./auth.schema.ts";
import { beginAttempt } from "./login.repo.ts";

interface Attempt {
  account: Account | undefined;
  refusal: AppError | undefined;
}

/** Counts the attempt for the address, so that guessing from many networks is stopped too. */
async function beginLogin(ctx: Ctx, email: string): Promise<Attempt> {
  const what = `login:${email}`;
  const { account, refusal } = await beginAttempt(ctx.db, email, await attemptAt(ctx, what));
  return { account, refusal: refusal && (await takeAroundLock(ctx, what, account?.id, refusal)) };
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

/**
 * The account a password opens, and whose password it was. After a wrong one the directory is asked, or as good as asked:
 * neither who has one here nor who is in the directory shows in the answer, its being out included, or how long it takes.
 */
async function provenBy(
  ctx: Ctx,
  account: Account | undefined,
  { email, password }: Login,
): Promise<{ account: Account; method: string } | AppError> {
  const isRight = await isPasswordOf(ctx, account, password);
  if (isRight && account) return { account, method: "password" };
  const answer = await (account?.passwordHash
    ? askDirectoryInVain(ctx, email)
    : signInByDirectory(ctx, email, password));
  if (!answer) return errors.invalidCredentials();
  return "refusal" in answer ? answer.refusal : { account: answer.account, method: "ldap" };
}

/** Opens a session for the right password, or the second step where the account has a second factor. */
export async function login(ctx: Ctx, given: Login): Promise<SignedIn | MfaRequired> {
  const { account: known, refusal } = await beginLogin(ctx, given.email);
  if (refusal) throw await refused(ctx, known, refusal);
  const proven = await provenBy(ctx, known, given);
  if (proven instanceof AppError) throw await refused(ctx, known, proven);
  return passFirstFactor(ctx, proven.account, proven.method, `login:${given.email}`);
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
