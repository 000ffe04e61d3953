import { base64url } from "jose";
import type { Sealer } from "../kernel/ports/sealer.ts";

const VERSION = "v1";
const IV_BYTES = 12;
const LABEL = "myelin sealer";

interface Key {
  id: string;
  key: Promise<CryptoKey>;
}

const encoder = new TextEncoder();

/** A key of AES-256 made of a configured secret of any form, by HKDF-SHA-256. */
async function deriveKey(secret: string): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey("raw", encoder.encode(secret), "HKDF", false, ["deriveKey"]);
  const derivation = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: encoder.encode(LABEL) };
  return crypto.subtle.deriveKey(derivation, material, { name: "AES-GCM", length: 256 }, false, [
    "encrypt",
    "decrypt",
  ]);
}

/**
 * AES-256-GCM under one of several named secrets. The first encrypts; every one decrypts, so that a new one can be put
 * in front while old values are still about. Form: `v1.<key id>.<iv>.<ciphertext and tag>`, base64url.
 */
export function createAesSealer(secrets: readonly { id: string; secret: string }[]): Sealer {
  const keys: Key[] = secrets.map(({ id, secret }) => ({ id, key: deriveKey(secret) }));
  const [current, ...older] = keys;
  if (!current) throw new Error("a sealer needs a key");
  return {
    async seal(text, context) {
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
      const algorithm = { name: "AES-GCM", iv, additionalData: encoder.encode(context) };
      const sealed = await crypto.subtle.encrypt(algorithm, await current.key, encoder.encode(text));
      const parts = [iv, new Uint8Array(sealed)].map((bytes) => base64url.encode(bytes));
      return [VERSION, current.id, ...parts].join(".");
    },
    async open(sealed, context) {
      const [version, id, iv, data, ...rest] = sealed.split(".");
      const key = keys.find((known) => known.id === id);
      if (version !== VERSION || !iv || !data || rest.length > 0) throw new Error("not a sealed text");
      if (!key) throw new Error(`sealed with the key ${id}, which is not configured`);
      const from = (text: string) => new Uint8Array(base64url.decode(text));
      const algorithm = { name: "AES-GCM", iv: from(iv), additionalData: encoder.encode(context) };
      return new TextDecoder().decode(await crypto.subtle.decrypt(algorithm, await key.key, from(data)));
    },
    olderPrefixes: older.map(({ id }) => `${VERSION}.${id}.`),
  };
}
