import { decodeProtectedHeader, errors, jwtVerify, type JWK, type JWTPayload, SignJWT } from "jose";
import { ROLES, type Role } from "../kernel/actor.ts";
import { isId } from "../kernel/page.ts";
import type { AccessClaims, RefreshClaims, TokenSigner, Verified } from "../kernel/ports/credentials.ts";
import { type JwtAlgorithm, type JwtKey, privateKey, publicKey, secretKey } from "./jwt-keys.ts";

type Kind = "access" | "refresh";

export interface JwtOptions {
  issuer: string;
  algorithm: JwtAlgorithm;
  /** Signs with HS256. */
  secret: string;
  /** Secrets that signed before and still verify. */
  previousSecrets: readonly string[];
  /** PKCS #8 PEM; signs with the other algorithms. */
  privateKey?: string | undefined;
  /** Public keys that still verify. */
  previousPublicKeys: readonly JWK[];
}

const isIdClaim = (value: unknown): value is string => typeof value === "string" && isId(value);
const isRole = (value: unknown): value is Role => ROLES.includes(value as Role);

function accessClaims(payload: JWTPayload): AccessClaims | undefined {
  const { sub, email, role, sid, exp } = payload;
  if (!isIdClaim(sub) || !isIdClaim(sid) || typeof email !== "string" || !isRole(role)) return undefined;
  if (exp === undefined) return undefined;
  return { userId: sub, email, role, sessionId: sid, expiresAt: new Date(exp * 1000) };
}

function refreshClaims({ sub, sid, jti }: JWTPayload): RefreshClaims | undefined {
  if (!isIdClaim(sub) || !isIdClaim(sid) || !isIdClaim(jti)) return undefined;
  return { userId: sub, sessionId: sid, jti };
}

async function keysOf(options: JwtOptions): Promise<[current: JwtKey, ...previous: JwtKey[]]> {
  const { algorithm, secret, previousSecrets, previousPublicKeys } = options;
  const previous = [...previousSecrets.map(secretKey), ...previousPublicKeys.map(publicKey)];
  if (algorithm === "HS256") return [await secretKey(secret), ...(await Promise.all(previous))];
  if (!options.privateKey) throw new Error(`${algorithm} needs a private key`);
  return [await privateKey(options.privateKey, algorithm), ...(await Promise.all(previous))];
}

/** The key a token names. One that names none is from before keys had names, and can only be the current secret's. */
function keyFor(token: string, keys: readonly [JwtKey, ...JwtKey[]]): JwtKey | undefined {
  const { kid } = decodeProtectedHeader(token);
  if (kid === undefined) return keys[0].alg === "HS256" ? keys[0] : undefined;
  return keys.find((key) => key.kid === kid);
}

/**
 * JSON Web Tokens. `typ` in the header and the audience tell the kinds apart; the key a token names decides which
 * algorithm it must be signed with.
 */
export function createJwt(options: JwtOptions): TokenSigner {
  const { issuer } = options;
  let loading: ReturnType<typeof keysOf> | undefined;
  const keys = () => (loading ??= keysOf(options));
  const audience = (kind: Kind) => `${issuer}:${kind}`;
  const typeOf = (kind: Kind) => (kind === "access" ? "at+jwt" : "rt+jwt");

  const sign = async (kind: Kind, payload: JWTPayload, jti: string, ttlSeconds: number, now: Date) => {
    const [{ alg, kid, sign: key }] = await keys();
    const issuedAt = Math.floor(now.getTime() / 1000);
    return new SignJWT({ ...payload, typ: kind })
      .setProtectedHeader({ alg, kid, typ: typeOf(kind) })
      .setIssuer(issuer)
      .setAudience(audience(kind))
      .setJti(jti)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + ttlSeconds)
      .sign(key!);
  };

  const verify = async <T>(
    kind: Kind,
    token: string,
    now: Date,
    read: (payload: JWTPayload) => T | undefined,
  ): Promise<Verified<T>> => {
    const known = await keys();
    try {
      const key = keyFor(token, known);
      if (!key) return { ok: false, reason: "invalid" };
      const { payload } = await jwtVerify(token, key.verify, {
        algorithms: [key.alg],
        issuer,
        audience: audience(kind),
        typ: typeOf(kind),
        currentDate: now,
      });
      const claims = read(payload);
      return claims ? { ok: true, claims } : { ok: false, reason: "invalid" };
    } catch (error) {
      if (error instanceof errors.JWTExpired) return { ok: false, reason: "expired" };
      // A header that cannot be read is a TypeError.
      if (error instanceof errors.JOSEError || error instanceof TypeError)
        return { ok: false, reason: "invalid" };
      throw error;
    }
  };

  return {
    signAccess: ({ userId, email, role, sessionId }, ttlSeconds, now) =>
      sign("access", { sub: userId, email, role, sid: sessionId }, crypto.randomUUID(), ttlSeconds, now),
    signRefresh: ({ userId, sessionId, jti }, ttlSeconds, now) =>
      sign("refresh", { sub: userId, sid: sessionId }, jti, ttlSeconds, now),
    verifyAccess: (token, now) => verify("access", token, now, accessClaims),
    verifyRefresh: (token, now) => verify("refresh", token, now, refreshClaims),
    publicKeys: async () => (await keys()).flatMap(({ jwk }) => (jwk ? [{ ...jwk }] : [])),
  };
}
