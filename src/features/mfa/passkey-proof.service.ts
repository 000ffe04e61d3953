import type { PasskeyRow } from "../../db/schema.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { toBase64Url } from "../../kernel/secret.ts";
import { redeemOneTime, rememberOneTime } from "../one-time-tokens/index.ts";
import { passkeyRefused } from "./mfa.errors.ts";
import { auditRefusal } from "./mfa-step.service.ts";
import { advanceCounter, descriptorOf, findByCredential } from "./passkeys.repo.ts";
import { judgeAssertion, type Judged, readClientData, webauthn } from "./webauthn.ts";
import type { AssertionResponse, RequestOptions } from "./webauthn.schema.ts";

const CHALLENGE_SECONDS = 300;

/** What a passkey is asked for. A challenge made for one occasion is good for no other. */
export interface Occasion {
  /** `login`, `step:<id>` or `session:<id>`. */
  bond: string;
  /** Whose passkey it must be; anybody's for a sign-in without a password. */
  userId?: string;
  /** The device must have made sure who holds it. */
  mustVerifyUser: boolean;
}

/** Makes a challenge and the options a browser passes to the authenticator. */
export async function askForPasskey(
  ctx: Ctx,
  { bond, userId, mustVerifyUser }: Occasion,
  known: PasskeyRow[],
): Promise<RequestOptions> {
  const { generateAuthenticationOptions } = await webauthn();
  const options = await generateAuthenticationOptions({
    rpID: ctx.settings.passkeys.rpId,
    timeout: CHALLENGE_SECONDS * 1000,
    userVerification: mustVerifyUser ? "required" : "preferred",
    ...(known.length > 0 && { allowCredentials: known.map(descriptorOf) }),
  });
  await rememberOneTime(ctx, options.challenge, {
    purpose: "passkey-authentication",
    ttlSeconds: CHALLENGE_SECONDS,
    ...(userId !== undefined && { userId }),
    data: { bond },
  });
  return options;
}

type Proof = Judged<{ passkey: PasskeyRow }> & { owner?: string };

const flaw = (reason: string, owner?: string): Proof => ({
  ok: false,
  reason,
  ...(owner !== undefined && { owner }),
});

const handleOf = (userId: string) => toBase64Url(new TextEncoder().encode(userId));

async function judge(ctx: Ctx, response: AssertionResponse, occasion: Occasion): Promise<Proof> {
  const client = readClientData(response.response.clientDataJSON);
  if (!client) return flaw("unreadable");
  if (client.crossOrigin) return flaw("cross_origin");
  // Used up whatever comes of it: a challenge is answered once.
  const challenge = await redeemOneTime(ctx, "passkey-authentication", client.challenge);
  if (!challenge) return flaw("dead_challenge");
  if (challenge.data.bond !== occasion.bond) return flaw("challenge_of_another_occasion");
  const passkey = await findByCredential(ctx.db, response.id);
  if (!passkey) return flaw("unknown_passkey");
  const { id, userId } = passkey;
  if (occasion.userId !== undefined && userId !== occasion.userId) return flaw("passkey_of_another_account");
  const handle = response.response.userHandle;
  if (handle === undefined ? occasion.userId === undefined : handle !== handleOf(userId))
    return flaw("user_handle", userId);
  const { mustVerifyUser } = occasion;
  const expected = { ...ctx.settings.passkeys, challenge: client.challenge, mustVerifyUser };
  const judged = await judgeAssertion(response, expected, passkey);
  if (!judged.ok) return flaw(judged.reason, userId);
  if (!(await advanceCounter(ctx.db, id, { ...judged, now: ctx.now }))) {
    await auditClone(ctx, passkey, judged.counter);
    return flaw("counter_did_not_advance", userId);
  }
  return { ok: true, passkey };
}

/** A right signature with an old counter: the key is in two places, or this answer was seen before. */
const auditClone = (ctx: Ctx, { id, userId, counter }: PasskeyRow, shown: number) =>
  ctx.audit({
    action: "passkey.cloned",
    outcome: "refused",
    target: { type: "passkey", id },
    details: { user_id: userId, counter, shown },
  });

/** The passkey whose signature answers a challenge of this very occasion; throws for every flaw alike. */
export async function provePasskey(
  ctx: Ctx,
  response: AssertionResponse,
  occasion: Occasion,
): Promise<PasskeyRow> {
  const proof = await judge(ctx, response, occasion);
  if (proof.ok) return proof.passkey;
  await auditRefusal(ctx, proof.owner ?? occasion.userId, "passkey", proof.reason);
  throw passkeyRefused();
}
