import { allowPerson, requireFresh } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { AppError, invalidFields } from "../../kernel/errors.ts";
import type { IdentityProvider, RoundTrip } from "../../kernel/ports/identity-provider.ts";
import { randomToken, sha256Hex } from "../../kernel/secret.ts";
import { rememberOneTime } from "../one-time-tokens/index.ts";
import { type BrowserProof, newProof } from "./browser-proof.ts";
import * as errors from "./federation.errors.ts";
import type { LoginQuery, Provider } from "./oidc.schema.ts";
import { checkReturnTo, type ReturnTo } from "./return-to.ts";

const STATE_SECONDS = 600;

/** What a state stands for while the browser is away. */
export interface Trip {
  provider: string;
  verifier: string;
  nonce: string;
  returnTo: string;
  /** SHA-256 hex of the cookie's secret. */
  proof: string;
  challenge?: string | undefined;
  /** The session that wants the identity for its account. */
  linkSession?: string;
}

/** Where the browser goes next, and what it has to show afterwards. */
export interface Landing {
  url: string;
  proof?: BrowserProof;
}

export function providerOf(ctx: Ctx, name: string): IdentityProvider {
  const provider = ctx.identityProviders.get(name);
  if (!provider) throw errors.unknownProvider();
  return provider;
}

const addressOf = (ctx: Ctx, name: string, step: string) =>
  `${ctx.settings.publicUrl}/api/auth/oidc/${name}/${step}`;

export const redirectUriOf = (ctx: Ctx, name: string): string => addressOf(ctx, name, "callback");

/** The providers one can sign in through. */
export const listProviders = (ctx: Ctx): Provider[] =>
  [...ctx.identityProviders.values()].map(({ name, label }) => ({
    ...{ name, label },
    login_url: addressOf(ctx, name, "login"),
  }));

type Purpose = Pick<Trip, "challenge" | "linkSession"> & { returnTo: string; userId?: string };

/** Sends the browser away, with a state that only it can come back with. */
async function start(ctx: Ctx, provider: IdentityProvider, purpose: Purpose): Promise<Landing> {
  const { userId, ...rest } = purpose;
  const trip: RoundTrip = {
    redirectUri: redirectUriOf(ctx, provider.name),
    ...{ state: randomToken(32), nonce: randomToken(32), verifier: randomToken(32) },
  };
  const reply = await provider.authorizationUrl(trip);
  if (!reply.ok) {
    ctx.log("error", "oidc.refused", { provider: provider.name, reason: reply.reason, detail: reply.detail });
    throw errors.providerRefused(reply.reason);
  }
  const proof = newProof(trip.state, STATE_SECONDS);
  const { verifier, nonce } = trip;
  const data: Trip = {
    provider: provider.name,
    verifier,
    nonce,
    proof: await sha256Hex(proof.secret),
    ...rest,
  };
  await rememberOneTime(ctx, trip.state, {
    purpose: "oidc-state",
    ttlSeconds: STATE_SECONDS,
    ...(userId !== undefined && { userId }),
    data: { ...data },
  });
  return { url: reply.url, proof };
}

function checkChallenge({ isOwn }: ReturnTo, challenge: string | undefined): void {
  if (isOwn || challenge !== undefined) return;
  throw invalidFields("query", [
    { path: "code_challenge", message: "is needed to return to another origin" },
  ]);
}

/** Begins a sign-in. That the provider is out is told to the page the browser goes back to. */
export async function startLogin(ctx: Ctx, name: string, query: LoginQuery): Promise<Landing> {
  const provider = providerOf(ctx, name);
  const returnTo = checkReturnTo(ctx.settings, query.return_to);
  checkChallenge(returnTo, query.code_challenge);
  // A page here has the cookie, which no link can bring along; a challenge could be of whoever planted the link.
  const challenge = returnTo.isOwn ? undefined : query.code_challenge;
  try {
    return await start(ctx, provider, { returnTo: returnTo.url, challenge });
  } catch (error) {
    if (error instanceof AppError) return { url: `${returnTo.url}#oidc_error=${error.code}` };
    throw error;
  }
}

/** Begins the round trip that adds an identity to the caller's account. */
export async function startLink(ctx: Ctx, name: string, returnTo: string | undefined): Promise<Landing> {
  const actor = allowPerson(ctx, "account:self");
  const provider = providerOf(ctx, name);
  requireFresh(actor, ctx.now);
  const { url } = checkReturnTo(ctx.settings, returnTo);
  return start(ctx, provider, { returnTo: url, userId: actor.id, linkSession: actor.session.id });
}
