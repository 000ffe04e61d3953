import { randomToken, sha256Hex, toBase64Url } from "../../kernel/secret.ts";

/**
 * What ties a step to the browser that takes it: a secret in a cookie, of which the step's token knows only the hash.
 * Each step has a cookie of its own, so that two tabs can sign in at once.
 */
export interface BrowserProof {
  /** Of the cookie's name. */
  key: string;
  secret: string;
  ttlSeconds: number;
}

/** The part of a step's token that names its cookie. */
export const proofKey = (token: string): string => token.slice(0, 8);

export const newProof = (token: string, ttlSeconds: number): BrowserProof => ({
  key: proofKey(token),
  secret: randomToken(32),
  ttlSeconds,
});

/** Whether a cookie that came along holds the secret behind the hash. */
export const isProof = async (hash: unknown, secret: string | undefined): Promise<boolean> =>
  secret !== undefined && (await sha256Hex(secret)) === hash;

/** Whether `verifier` is what a challenge was made of (RFC 7636, S256). */
export async function isVerifierOf(challenge: string, verifier: string | undefined): Promise<boolean> {
  if (verifier === undefined) return false;
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return toBase64Url(new Uint8Array(hash)) === challenge;
}
