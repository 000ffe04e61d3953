import type { VerifiedRegistrationResponse } from "@simplewebauthn/server";
import type { AssertionResponse, AttestationResponse } from "./webauthn.schema.ts";

/** What an answer of an authenticator must be about. */
export interface Expected {
  challenge: string;
  rpId: string;
  origins: readonly string[];
}

export type Judged<T> = ({ ok: true } & T) | { ok: false; reason: string };

/** The library brings a reader of X.509 certificates, which most requests need not load. */
export const webauthn = () => import("@simplewebauthn/server");

/** COSE algorithms taken: EdDSA, ES256, RS256. */
export const ALGORITHMS = [-8, -7, -257];

const refusal = (error: unknown): { ok: false; reason: string } => ({
  ok: false,
  reason: (error instanceof Error ? error.message : String(error)).slice(0, 200),
});

const decoder = new TextDecoder();

/** What the browser says it signed for; nothing when it cannot be read. */
export function readClientData(text: string): { challenge: string; crossOrigin: boolean } | undefined {
  try {
    const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
    const { challenge, crossOrigin } = JSON.parse(decoder.decode(bytes)) as Record<string, unknown>;
    return typeof challenge === "string" ? { challenge, crossOrigin: crossOrigin === true } : undefined;
  } catch {
    return undefined;
  }
}

/** Judges a new credential; the attestation is checked for form only, since any authenticator is welcome. */
export async function judgeRegistration(
  response: AttestationResponse,
  { challenge, rpId, origins }: Expected,
): Promise<Judged<{ info: NonNullable<VerifiedRegistrationResponse["registrationInfo"]> }>> {
  const { verifyRegistrationResponse } = await webauthn();
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: withExtensions(response),
      expectedChallenge: challenge,
      expectedOrigin: [...origins],
      expectedRPID: rpId,
      requireUserVerification: false,
      supportedAlgorithmIDs: ALGORITHMS,
    });
    return verified ? { ok: true, info: registrationInfo } : { ok: false, reason: "attestation" };
  } catch (error) {
    return refusal(error);
  }
}

/** Judges a signature by a credential's key; the counter is left to the caller, who has to compare it as it stores it. */
export async function judgeAssertion(
  response: AssertionResponse,
  { challenge, rpId, origins, mustVerifyUser }: Expected & { mustVerifyUser: boolean },
  key: { credentialId: string; publicKey: Uint8Array },
): Promise<Judged<{ counter: number; backedUp: boolean; userVerified: boolean }>> {
  const { verifyAuthenticationResponse } = await webauthn();
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: withExtensions(response),
      expectedChallenge: challenge,
      expectedOrigin: [...origins],
      expectedRPID: rpId,
      requireUserVerification: mustVerifyUser,
      // Below every counter there is, so that the library passes none judgement.
      credential: { id: key.credentialId, publicKey: new Uint8Array(key.publicKey), counter: -1 },
    });
    if (!verified) return { ok: false, reason: "signature" };
    const { newCounter, credentialBackedUp, userVerified } = authenticationInfo;
    return { ok: true, counter: newCounter, backedUp: credentialBackedUp, userVerified };
  } catch (error) {
    return refusal(error);
  }
}

/** The library's types want extensions, which nothing here asks for or reads. */
const withExtensions = <T extends AttestationResponse | AssertionResponse>(response: T) => ({
  ...response,
  clientExtensionResults: {},
});
