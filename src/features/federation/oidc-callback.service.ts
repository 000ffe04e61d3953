import type { OneTimeTokenRow } from "../../db/schema.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { AppError } from "../../kernel/errors.ts";
import type { ExternalPerson, IdentityProvider } from "../../kernel/ports/identity-provider.ts";
import { randomToken, sha256Hex } from "../../kernel/secret.ts";
import { type Account, entryRefusal, findAccount } from "../accounts/index.ts";
import { redeemOneTime, rememberOneTime } from "../one-time-tokens/index.ts";
import { findSessionActor } from "../sessions/index.ts";
import { arrive, noteLink } from "./arrival.service.ts";
import { isProof, newProof } from "./browser-proof.ts";
import * as errors from "./federation.errors.ts";
import { findByIdentity, insertIdentity } from "./identities.repo.ts";
import { type Landing, providerOf, redirectUriOf, type Trip } from "./oidc-start.service.ts";
import { checkReturnTo } from "./return-to.ts";

const CODE_SECONDS = 60;

/** What a browser came back with from a provider. */
export interface Return {
  provider: string;
  state: string | undefined;
  /** The whole query, as it arrived. */
  query: string;
  /** The secret of the state's cookie. */
  secret: string | undefined;
}

/** What an exchange code stands for. */
export interface Arrival {
  provider: string;
  /** By which identity: without it there is no way in any more. */
  issuer: string;
  subject: string;
  /** SHA-256 hex of the cookie's secret. */
  proof: string;
  challenge?: string | undefined;
}

type Pending = { trip: Trip; state: string; userId: string | null };

/** Uses the state up, whatever comes of it: one that turns up in another browser has been seen by others. */
async function redeemState(ctx: Ctx, { provider, state, secret }: Return): Promise<Pending> {
  const row: OneTimeTokenRow | undefined = state ? await redeemOneTime(ctx, "oidc-state", state) : undefined;
  const trip = row?.data as Trip | undefined;
  const isRight = trip?.provider === provider && (await isProof(trip.proof, secret));
  if (!row || !trip || !state || !isRight) throw errors.stateInvalid();
  return { trip, state, userId: row.userId };
}

async function personBehind(
  ctx: Ctx,
  provider: IdentityProvider,
  { trip, state }: Pending,
  query: string,
): Promise<ExternalPerson> {
  const { nonce, verifier } = trip;
  const redirectUri = redirectUriOf(ctx, provider.name);
  const reply = await provider.redeem({ redirectUri, state, nonce, verifier }, query);
  if (reply.ok) return reply.person;
  const { reason, detail } = reply;
  ctx.log("warn", "oidc.refused", { provider: provider.name, reason, detail });
  throw errors.providerRefused(reason);
}

/** Lets the person in as far as the code that their page trades for a session. */
async function land(
  ctx: Ctx,
  account: Account,
  { issuer, subject }: ExternalPerson,
  { provider, returnTo, challenge }: Trip,
): Promise<Landing> {
  const refusal = entryRefusal(ctx.settings, account);
  if (refusal) throw refusal;
  const code = randomToken(32);
  const proof = newProof(code, CODE_SECONDS);
  const data: Arrival = { provider, issuer, subject, proof: await sha256Hex(proof.secret), challenge };
  await rememberOneTime(ctx, code, {
    purpose: "oidc-login",
    ttlSeconds: CODE_SECONDS,
    userId: account.id,
    data: { ...data },
  });
  return { url: `${returnTo}#oidc_code=${code}`, proof };
}

/** The account that asked for the identity, while the session it asked in still lives. */
async function linkingAccount(ctx: Ctx, { trip, userId }: Pending): Promise<Account> {
  const actor = await findSessionActor(ctx, trip.linkSession!, ctx.now);
  const account = userId ? await findAccount(ctx.db, userId) : undefined;
  if (actor?.kind !== "user" || !account || actor.id !== account.id) throw errors.sessionGone();
  return account;
}

async function link(ctx: Ctx, pending: Pending, person: ExternalPerson): Promise<Landing> {
  const account = await linkingAccount(ctx, pending);
  const { provider, returnTo } = pending.trip;
  const { issuer, subject, email } = person;
  const isNew = await insertIdentity(ctx.db, { userId: account.id, provider, issuer, subject, email });
  if (isNew) await noteLink(ctx, account, provider);
  else if ((await findByIdentity(ctx.db, person))?.id !== account.id) throw errors.identityTaken();
  return { url: `${returnTo}#oidc_linked=${provider}` };
}

async function comeIn(
  ctx: Ctx,
  pending: Pending,
  provider: IdentityProvider,
  query: string,
): Promise<Landing> {
  const { trip } = pending;
  const person = await personBehind(ctx, provider, pending, query);
  if (trip.linkSession !== undefined) return link(ctx, pending, person);
  const { name, linkVerifiedEmail, allowSignup } = provider;
  const signup = allowSignup ? "by_policy" : "refused";
  // One that may not link says nothing about addresses: an account opened in advance by its word would be linked to.
  const emailVerified = person.emailVerified && linkVerifiedEmail;
  const terms = { provider: name, linkVerifiedEmail, signup } as const;
  return land(ctx, await arrive(ctx, terms, { ...person, emailVerified }), person, trip);
}

async function refused(ctx: Ctx, provider: string, refusal: AppError, page: string): Promise<Landing> {
  await ctx.audit({
    action: "account.login_refused",
    outcome: "refused",
    details: { reason: refusal.code, provider },
  });
  return { url: `${page}#oidc_error=${refusal.code}` };
}

/** Takes a browser back from a provider. Whatever is wrong is told to the page it goes on to, never here. */
export async function finishTrip(ctx: Ctx, given: Return): Promise<Landing> {
  const provider = providerOf(ctx, given.provider);
  let page = checkReturnTo(ctx.settings).url;
  try {
    const pending = await redeemState(ctx, given);
    page = pending.trip.returnTo;
    return await comeIn(ctx, pending, provider, given.query);
  } catch (error) {
    if (error instanceof AppError) return refused(ctx, provider.name, error, page);
    throw error;
  }
}
