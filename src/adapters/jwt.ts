import { errors, jwtVerify, type JWTPayload, SignJWT } from "jose";
import { ROLES, type Role } from "../kernel/actor.ts";
import { isId } from "../kernel/page.ts";
import type { AccessClaims, RefreshClaims, TokenSigner, Verified } from "../kernel/ports/credentials.ts";

type Kind = "access" | "refresh";

interface JwtOptions {
  secret: string;
  issuer: string;
}

const isIdClaim = (value: unknown): value is string => typeof value === "string" && isId(value);
const isRole = (value: unknown): value is Role => ROLES.includes(value as Role);

function accessClaims(payload: JWTPayload): AccessClaims | undefined {
  const { sub, email, role, sid } = payload;
  if (!isIdClaim(sub) || !isIdClaim(sid) || typeof email !== "string" || !isRole(role)) return undefined;
  return { userId: sub, email, role, sessionId: sid };
}

function refreshClaims({ sub, sid, jti }: JWTPayload): RefreshClaims | undefined {
  if (!isIdClaim(sub) || !isIdClaim(sid) || !isIdClaim(jti)) return undefined;
  return { userId: sub, sessionId: sid, jti };
}

/** JSON Web Tokens signed with HS256. `typ` in the header and the audience tell the kinds apart. */
export function createJwt({ secret, issuer }: JwtOptions): TokenSigner {
  const key = new TextEncoder().encode(secret);
  const audience = (kind: Kind) => `${issuer}:${kind}`;

  const sign = (kind: Kind, payload: JWTPayload, jti: string, ttlSeconds: number, now: Date) => {
    const issuedAt = Math.floor(now.getTime() / 1000);
    return new SignJWT({ ...payload, typ: kind })
      .setProtectedHeader({ alg: "HS256", typ: kind === "access" ? "at+jwt" : "rt+jwt" })
      .setIssuer(issuer)
      .setAudience(audience(kind))
      .setJti(jti)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + ttlSeconds)
      .sign(key);
  };

  const verify = async <T>(
    kind: Kind,
    token: string,
    now: Date,
    read: (payload: JWTPayload) => T | undefined,
  ): Promise<Verified<T>> => {
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: ["HS256"],
        issuer,
        audience: audience(kind),
        typ: kind === "access" ? "at+jwt" : "rt+jwt",
        currentDate: now,
      });
      const claims = read(payload);
      return claims ? { ok: true, claims } : { ok: false, reason: "invalid" };
    } catch (error) {
      if (error instanceof errors.JWTExpired) return { ok: false, reason: "expired" };
      if (error instanceof errors.JOSEError) return { ok: false, reason: "invalid" };
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
  };
}
