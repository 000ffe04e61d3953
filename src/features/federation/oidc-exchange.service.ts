import type { Ctx } from "../../kernel/ctx.ts";
import { type MfaRequired, passFirstFactor } from "../mfa/index.ts";
import { redeemOneTime } from "../one-time-tokens/index.ts";
import type { SignedIn } from "../sessions/index.ts";
import { isProof, isVerifierOf } from "./browser-proof.ts";
import * as errors from "./federation.errors.ts";
import { findByIdentity } from "./identities.repo.ts";
import type { Arrival } from "./oidc-callback.service.ts";
import type { Exchange } from "./oidc.schema.ts";

/**
 * Trades the code a sign-in ended with for a session, or for the second step. Only the browser that signed in can, or
 * the page that holds the verifier: nobody can be signed in to somebody else's account by a link.
 */
export async function exchangeCode(
  ctx: Ctx,
  { code, code_verifier: verifier }: Exchange,
  secret: string | undefined,
): Promise<SignedIn | MfaRequired> {
  const row = await redeemOneTime(ctx, "oidc-login", code);
  const arrival = row?.data as Arrival | undefined;
  // An identity that was taken away meanwhile, by its account's owner or for them, lets nobody in.
  const account = arrival && (await findByIdentity(ctx.db, arrival));
  if (!account || account.id !== row?.userId) throw errors.codeInvalid();
  const { challenge, proof, provider } = arrival;
  const isTheirs = challenge ? await isVerifierOf(challenge, verifier) : await isProof(proof, secret);
  if (!isTheirs) throw errors.codeInvalid();
  return passFirstFactor(ctx, account, `oidc:${provider}`);
}
