import { randomUUID } from "node:crypto";
import { decodeJwt, SignJWT } from "jose";
import { inject } from "vitest";
import type { User } from "./client.ts";

interface Forgery {
  /** What is set otherwise than in the true token. */
  change?: (token: SignJWT) => SignJWT;
  claims?: Record<string, unknown>;
  secret?: string;
  alg?: string;
  typ?: string;
}

/** The access token of `user` signed again with a flaw: what somebody with the key, or without, could make. */
export function forge(user: User, forgery: Forgery): Promise<string> {
  const {
    change = (token) => token,
    claims,
    secret = inject("jwtSecret"),
    alg = "HS256",
    typ = "at+jwt",
  } = forgery;
  const token = new SignJWT({ ...decodeJwt(user.accessToken), ...claims });
  return change(token).setProtectedHeader({ alg, typ }).sign(new TextEncoder().encode(secret));
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token that claims to need no signature. */
export const unsigned = (user: User, alg = "none"): string =>
  `${part({ alg, typ: "at+jwt" })}.${part(decodeJwt(user.accessToken))}.`;

/** Everything that looks like a credential of `user` and is none, by what is wrong with it. */
export async function badTokens(user: User): Promise<Record<string, string>> {
  const [head, body, signature] = user.accessToken.split(".");
  return {
    garbage: "garbage",
    "three dots": "..",
    "alg none": unsigned(user),
    "alg None": unsigned(user, "None"),
    "no signature": `${head}.${body}.`,
    "a changed role": `${head}.${part({ ...decodeJwt(user.accessToken), role: "admin" })}.${signature}`,
    "another key": await forge(user, { secret: "x".repeat(32) }),
    "an empty key": await forge(user, { secret: "\0" }),
    HS512: await forge(user, { alg: "HS512", secret: inject("jwtSecret").repeat(2) }),
    expired: await forge(user, { change: (token) => token.setExpirationTime("-1 minute") }),
    "not valid yet": await forge(user, { change: (token) => token.setNotBefore("1 hour") }),
    "another issuer": await forge(user, { change: (token) => token.setIssuer("elsewhere") }),
    "the refresh audience": await forge(user, { change: (token) => token.setAudience("myelin:refresh") }),
    "a session that never was": await forge(user, { claims: { sid: randomUUID() } }),
    "a session that is no id": await forge(user, { claims: { sid: "1" } }),
    "a refresh token": user.refreshToken,
    "an unknown agent's token": `ic_${randomUUID()}`,
    "an unknown API token": `at_${randomUUID()}`,
  };
}
