import { calculateJwkThumbprint, exportJWK, importPKCS8, type JWK } from "jose";
import { toHex } from "../kernel/secret.ts";

export type JwtAlgorithm = "HS256" | "EdDSA" | "ES256";

/** A key and the one algorithm it may be used with, so that no token can choose another. */
export interface JwtKey {
  kid: string;
  alg: JwtAlgorithm;
  verify: CryptoKey;
  /** Only the key in force signs. */
  sign?: CryptoKey;
  /** What others may see of it; nothing of a shared secret. */
  jwk?: JWK;
}

const encoder = new TextEncoder();

/** The name of a shared secret: a digest tells no more of it than any token signed with it does. */
async function nameOf(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", encoder.encode(`kid:${secret}`));
  return toHex(new Uint8Array(digest).slice(0, 8));
}

export async function secretKey(secret: string): Promise<JwtKey> {
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), hmac, false, ["sign", "verify"]);
  return { kid: await nameOf(secret), alg: "HS256", verify: key, sign: key };
}

const PARAMETERS = {
  EdDSA: { name: "Ed25519" },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
} as const;

/** The public part of a key pair, from its JWK. */
export async function publicKey(jwk: JWK): Promise<JwtKey> {
  const alg = jwk.kty === "OKP" ? "EdDSA" : "ES256";
  const { kty, crv, x, y } = jwk;
  const shown = { kty, crv, x, ...(y !== undefined && { y }) } as JWK;
  const kid = await calculateJwkThumbprint(shown);
  const verify = await crypto.subtle.importKey("jwk", shown as JsonWebKey, PARAMETERS[alg], true, ["verify"]);
  return { kid, alg, verify, jwk: { ...shown, kid, alg, use: "sig" } };
}

/** A key pair from a private key in PKCS #8 PEM. */
export async function privateKey(pem: string, alg: "EdDSA" | "ES256"): Promise<JwtKey> {
  // Variables often carry PEM on one line.
  const sign = await importPKCS8(pem.replaceAll("\\n", "\n"), alg, { extractable: true });
  return { ...(await publicKey(await exportJWK(sign))), alg, sign };
}
