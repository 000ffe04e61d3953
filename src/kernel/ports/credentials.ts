import type { Role } from "../actor.ts";

/** Argon2id in PHC form. */
export interface PasswordHasher {
  hash(password: string): Promise<string>;
  verify(phc: string, password: string): Promise<boolean>;
}

export interface AccessClaims {
  userId: string;
  email: string;
  role: Role;
  sessionId: string;
  expiresAt: Date;
}

export interface RefreshClaims {
  userId: string;
  sessionId: string;
  /** Names this very token; the session row knows which one is in force. */
  jti: string;
}

/** `expired` is told apart so that a client knows to refresh; every other flaw is `invalid`. */
export type Verified<T> = { ok: true; claims: T } | { ok: false; reason: "expired" | "invalid" };

/** Signs and checks the JSON Web Tokens of this deployment (`iss`, `aud`, `jti`, `typ`). */
export interface TokenSigner {
  signAccess(claims: Omit<AccessClaims, "expiresAt">, ttlSeconds: number, now: Date): Promise<string>;
  signRefresh(claims: RefreshClaims, ttlSeconds: number, now: Date): Promise<string>;
  verifyAccess(token: string, now: Date): Promise<Verified<AccessClaims>>;
  verifyRefresh(token: string, now: Date): Promise<Verified<RefreshClaims>>;
  /** The public keys others may check tokens with, as JWKs; none where a shared secret signs. */
  publicKeys(): Promise<Record<string, unknown>[]>;
}
