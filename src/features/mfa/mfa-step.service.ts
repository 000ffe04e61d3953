import type { OneTimeTokenRow } from "../../db/schema.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { rateLimited } from "../../kernel/rate-limits.ts";
import { type Account, entryRefusal, findAccount, isProtected } from "../accounts/index.ts";
import { attemptsKey, forgiveAttempts } from "../lockouts/index.ts";
import { attemptOneTime, issueOneTime, peekOneTime, redeemOneTime } from "../one-time-tokens/index.ts";
import { openSession, type SignedIn } from "../sessions/index.ts";
import { invalidMfaToken } from "./mfa.errors.ts";
import type { MFA_METHODS, MfaRequired } from "./mfa-step.schema.ts";

const STEP_SECONDS = 300;
const MAX_ATTEMPTS = 5;
const PER_ACCOUNT = { limit: 10, windowSeconds: 300 };

/** Somebody who has shown the first factor of an account. */
export interface MfaStep {
  id: string;
  token: string;
  account: Account;
  /** How the first factor was shown. */
  method: string;
}

function methodsOf(account: Account): (typeof MFA_METHODS)[number][] {
  if (!isProtected(account)) return [];
  const { hasTotp, passkeyCount, recoveryCodeCount } = account;
  return [
    ...(hasTotp ? (["totp"] as const) : []),
    ...(passkeyCount > 0 ? (["webauthn"] as const) : []),
    ...(recoveryCodeCount > 0 ? (["recovery"] as const) : []),
  ];
}

/**
 * What follows a right first factor (`password`, `ldap`, `oidc:<provider>`): a session, or the step that asks for a
 * second factor where the account has one. Throws for accounts that may not come in. `attempts` names what was guessed at
 * on the way, which is forgiven now.
 */
export async function passFirstFactor(
  ctx: Ctx,
  account: Account,
  method: string,
  attempts?: string,
): Promise<SignedIn | MfaRequired> {
  await requireEntry(ctx, account);
  const methods = methodsOf(account);
  const forgiven = attempts === undefined ? null : await attemptsKey(attempts);
  if (methods.length === 0) return openSession(ctx, account, [method], forgiven);
  if (attempts !== undefined) ctx.background("mfa.forgive", forgiveAttempts(ctx, attempts));
  const token = await issueOneTime(ctx, {
    purpose: "mfa",
    ttlSeconds: STEP_SECONDS,
    userId: account.id,
    // A password changed in between ends the step.
    data: { method, passwordChangedAt: account.passwordChangedAt.toISOString() },
  });
  return { requires_mfa: true, mfa_token: token, mfa_methods: methods, expires_in: STEP_SECONDS };
}

/** Lets nobody in who is suspended, not verified or not approved, whatever they have shown. */
export async function requireEntry(ctx: Ctx, account: Account): Promise<void> {
  const refusal = entryRefusal(ctx.settings, account);
  if (!refusal) return;
  await ctx.audit({
    action: "account.login_refused",
    outcome: "refused",
    target: { type: "user", id: account.id },
    details: { reason: refusal.code },
  });
  throw refusal;
}

/** Tells the trail why a second factor was not taken; the caller hears less. */
export const auditRefusal = (ctx: Ctx, userId: string | undefined, factor: string, reason: string) =>
  ctx.audit({
    action: "mfa.refused",
    outcome: "refused",
    ...(userId !== undefined && { target: { type: "user", id: userId } }),
    details: { factor, reason },
  });

/** Bounds the guesses at an account's factors (`mfa`) or password (`reauth`), whatever they come by. */
export async function limitAttempts(ctx: Ctx, kind: "mfa" | "reauth", userId: string): Promise<void> {
  const reply = await ctx.limiter.take(`${kind}:${userId}`, PER_ACCOUNT);
  if (reply.allowed) return;
  await auditRefusal(ctx, userId, kind, "too_many_attempts");
  throw rateLimited(reply);
}

async function stepOf(ctx: Ctx, token: string, row: OneTimeTokenRow | undefined): Promise<MfaStep> {
  const account = row?.userId ? await findAccount(ctx.db, row.userId) : undefined;
  const isBound = account?.passwordChangedAt.toISOString() === row?.data.passwordChangedAt;
  if (!row || !account || !isBound) {
    await auditRefusal(ctx, account?.id, "step", row ? "password_changed" : "dead_token");
    throw invalidMfaToken();
  }
  await requireEntry(ctx, account);
  return { id: row.id, token, account, method: String(row.data.method) };
}

/** The step behind a token, without counting an attempt: for asking what to do next. */
export const peekStep = async (ctx: Ctx, token: string): Promise<MfaStep> =>
  stepOf(ctx, token, await peekOneTime(ctx, "mfa", token));

/** The step behind a token; one of its five attempts is spent by this, before anything is judged. */
export async function attemptStep(ctx: Ctx, token: string): Promise<MfaStep> {
  const step = await stepOf(ctx, token, await attemptOneTime(ctx, "mfa", token, MAX_ATTEMPTS));
  await limitAttempts(ctx, "mfa", step.account.id);
  return step;
}

/** Opens the session after a right second factor; of many who finish one step at once, one gets it. */
export async function finishStep(
  ctx: Ctx,
  { token, account, method }: MfaStep,
  factor: string,
): Promise<SignedIn> {
  if (!(await redeemOneTime(ctx, "mfa", token))) {
    await auditRefusal(ctx, account.id, factor, "step_finished_before");
    throw invalidMfaToken();
  }
  await ctx.audit({
    action: "mfa.verified",
    actor: { kind: "user", id: account.id, name: account.email },
    details: { factor },
  });
  return openSession(ctx, account, [method, factor]);
}
