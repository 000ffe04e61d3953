import type { Ctx } from "../../kernel/ctx.ts";
import { redeemOneTime, rememberOneTime } from "../one-time-tokens/index.ts";
import { allowFactorChange, factorAdded, type FactorChange } from "./factors.service.ts";
import { passkeyKnown, passkeyNotVerified, tooManyPasskeys } from "./mfa.errors.ts";
import type { RegisteredPasskey, RegisterPasskey } from "./passkeys.schema.ts";
import { descriptorOf, findPasskeysOf, insertPasskey } from "./passkeys.repo.ts";
import { ALGORITHMS, judgeRegistration, readClientData, webauthn } from "./webauthn.ts";
import type { AttestationResponse, CreationOptions } from "./webauthn.schema.ts";

const encoder = new TextEncoder();
const CHALLENGE_SECONDS = 300;
const MAX_PASSKEYS = 20;
const NO_AAGUID = "00000000-0000-0000-0000-000000000000";

async function passkeysOf(ctx: Ctx, { account }: FactorChange) {
  const known = await findPasskeysOf(ctx.db, account.id);
  if (known.length >= MAX_PASSKEYS) throw tooManyPasskeys(MAX_PASSKEYS);
  return known;
}

/** Makes a challenge and the options a browser makes a passkey from. */
export async function startPasskeyRegistration(ctx: Ctx): Promise<CreationOptions> {
  const change = await allowFactorChange(ctx);
  const { account } = change;
  const known = await passkeysOf(ctx, change);
  const { generateRegistrationOptions } = await webauthn();
  const options = await generateRegistrationOptions({
    rpName: "Myelin",
    rpID: ctx.settings.passkeys.rpId,
    // Comes back as the user handle when somebody signs in by the passkey alone.
    userID: new Uint8Array(encoder.encode(account.id)),
    userName: account.email,
    userDisplayName: account.name,
    timeout: CHALLENGE_SECONDS * 1000,
    attestationType: "none",
    excludeCredentials: known.map(descriptorOf),
    authenticatorSelection: { residentKey: "preferred", userVerification: "preferred" },
    supportedAlgorithmIDs: ALGORITHMS,
  });
  await rememberOneTime(ctx, options.challenge, {
    purpose: "passkey-registration",
    ttlSeconds: CHALLENGE_SECONDS,
    userId: account.id,
  });
  return options;
}

async function judge(ctx: Ctx, userId: string, response: AttestationResponse) {
  const client = readClientData(response.response.clientDataJSON);
  const refused = (reason: string) => ({ ok: false, reason }) as const;
  if (!client) return refused("unreadable");
  if (client.crossOrigin) return refused("cross_origin");
  const challenge = await redeemOneTime(ctx, "passkey-registration", client.challenge);
  if (!challenge) return refused("dead_challenge");
  if (challenge.userId !== userId) return refused("challenge_of_another_account");
  return judgeRegistration(response, { ...ctx.settings.passkeys, challenge: client.challenge });
}

async function keep(ctx: Ctx, userId: string, { response, name = "Passkey" }: RegisterPasskey) {
  const judged = await judge(ctx, userId, response);
  if (!judged.ok) {
    await ctx.audit({ action: "passkey.refused", outcome: "refused", details: { reason: judged.reason } });
    throw passkeyNotVerified();
  }
  const { credential, aaguid, credentialBackedUp } = judged.info;
  const passkey = await insertPasskey(ctx.db, {
    userId,
    credentialId: credential.id,
    publicKey: credential.publicKey,
    counter: credential.counter,
    name,
    transports: response.response.transports ?? [],
    aaguid: aaguid === NO_AAGUID ? null : aaguid,
    backedUp: credentialBackedUp,
    createdAt: ctx.now,
  });
  if (passkey) return passkey;
  await ctx.audit({
    action: "passkey.refused",
    outcome: "refused",
    details: { reason: "registered_before" },
  });
  throw passkeyKnown();
}

/** Registers the passkey a browser made. */
export async function finishPasskeyRegistration(
  ctx: Ctx,
  input: RegisterPasskey,
): Promise<RegisteredPasskey> {
  const change = await allowFactorChange(ctx);
  await passkeysOf(ctx, change);
  const { id, name } = await keep(ctx, change.account.id, input);
  await ctx.audit({ action: "passkey.registered", target: { type: "passkey", id }, details: { name } });
  const codes = await factorAdded(ctx, change, "passkey");
  return { id, name, ...(codes.codes.length > 0 && codes) };
}
