import type { Ctx } from "../../kernel/ctx.ts";
import { findAccount } from "../accounts/index.ts";
import { openSession, type SignedIn } from "../sessions/index.ts";
import { noPasskey, passkeyRefused } from "./mfa.errors.ts";
import { attemptStep, finishStep, type MfaStep, peekStep, requireEntry } from "./mfa-step.service.ts";
import { askForPasskey, type Occasion, provePasskey } from "./passkey-proof.service.ts";
import type { FinishPasskey, StartPasskey } from "./passkeys.schema.ts";
import { findPasskeysOf } from "./passkeys.repo.ts";
import type { AssertionResponse, RequestOptions } from "./webauthn.schema.ts";

const secondStep = ({ id, account }: MfaStep): Occasion => ({
  bond: `step:${id}`,
  userId: account.id,
  mustVerifyUser: false,
});

/** Alone it has to be both: something one has, and a finger, a face or a PIN. */
const ALONE: Occasion = { bond: "login", mustVerifyUser: true };

/** Options for the second step, or for signing in by a passkey alone; the browser then offers those it knows. */
export async function startPasskeyLogin(
  ctx: Ctx,
  { mfa_token: token }: StartPasskey,
): Promise<RequestOptions> {
  if (token === undefined) return askForPasskey(ctx, ALONE, []);
  const step = await peekStep(ctx, token);
  const known = await findPasskeysOf(ctx.db, step.account.id);
  if (known.length === 0) throw noPasskey();
  return askForPasskey(ctx, secondStep(step), known);
}

async function signInAlone(ctx: Ctx, response: AssertionResponse): Promise<SignedIn> {
  const { userId } = await provePasskey(ctx, response, ALONE);
  const account = await findAccount(ctx.db, userId);
  if (!account) throw passkeyRefused();
  await requireEntry(ctx, account);
  return openSession(ctx, account, ["passkey"]);
}

/** Opens a session for the right signature. */
export async function finishPasskeyLogin(
  ctx: Ctx,
  { mfa_token: token, response }: FinishPasskey,
): Promise<SignedIn> {
  if (token === undefined) return signInAlone(ctx, response);
  const step = await attemptStep(ctx, token);
  await provePasskey(ctx, response, secondStep(step));
  return finishStep(ctx, step, "passkey");
}
