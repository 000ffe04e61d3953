import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { decodeProtectedHeader, type JWK, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { createJwt, type JwtOptions } from "./jwt.ts";

const NOW = new Date("2026-11-20T12:00:00Z");
const ID = "5f0c7e0e-5b53-4c3b-9c39-0c1f2a3b4c5d";
const CLAIMS = { userId: ID, email: "a@example.com", role: "user", sessionId: ID } as const;
const pem = (type: "ed25519" | "ec") =>
  (type === "ed25519"
    ? generateKeyPairSync("ed25519")
    : generateKeyPairSync("ec", { namedCurve: "P-256" })
  ).privateKey
    .export({ type: "pkcs8", format: "pem" })
    .toString();
const options = (own: Partial<JwtOptions> = {}): JwtOptions => ({
  issuer: "myelin",
  algorithm: "HS256",
  secret: "s".repeat(32),
  previousSecrets: [],
  previousPublicKeys: [],
  ...own,
});
const sign = (jwt: ReturnType<typeof createJwt>) => jwt.signAccess(CLAIMS, 900, NOW);

describe("rotation", () => {
  it("of the secret: old tokens verify while it is listed, new ones name the new key", async () => {
    const before = createJwt(options());
    const token = await sign(before);
    const after = createJwt(options({ secret: "n".repeat(32), previousSecrets: ["s".repeat(32)] }));
    expect((await after.verifyAccess(token, NOW)).ok).toBe(true);
    expect(decodeProtectedHeader(await sign(after)).kid).not.toBe(decodeProtectedHeader(token).kid);
    const forgotten = createJwt(options({ secret: "n".repeat(32) }));
    expect(await forgotten.verifyAccess(token, NOW)).toEqual({ ok: false, reason: "invalid" });
  });

  it("takes a token without a key's name for one of the current secret's", async () => {
    const token = await new SignJWT({ email: CLAIMS.email, role: "user", sid: ID, typ: "access" })
      .setProtectedHeader({ alg: "HS256", typ: "at+jwt" })
      .setIssuer("myelin")
      .setAudience("myelin:access")
      .setSubject(ID)
      .setExpirationTime(NOW.getTime() / 1000 + 60)
      .sign(new TextEncoder().encode("s".repeat(32)));
    expect((await createJwt(options()).verifyAccess(token, NOW)).ok).toBe(true);
    const asymmetric = createJwt(options({ algorithm: "EdDSA", privateKey: pem("ed25519") }));
    expect((await asymmetric.verifyAccess(token, NOW)).ok).toBe(false);
  });
});

describe.each([
  ["EdDSA", "ed25519"],
  ["ES256", "ec"],
] as const)("%s", (algorithm, type) => {
  const privateKey = pem(type);

  it("signs, verifies and shows its public key, and nothing else of it", async () => {
    const jwt = createJwt(options({ algorithm, privateKey }));
    const token = await sign(jwt);
    const [shown, ...others] = await jwt.publicKeys();
    expect(others).toEqual([]);
    expect(decodeProtectedHeader(token)).toEqual({ alg: algorithm, kid: shown!["kid"], typ: "at+jwt" });
    expect(shown).toMatchObject({ alg: algorithm, use: "sig" });
    expect(shown).not.toHaveProperty("d");
    expect((await jwt.verifyAccess(token, NOW)).ok).toBe(true);
  });

  it("is not confused: the public key is no shared secret, whatever a token says of its algorithm", async () => {
    const jwt = createJwt(options({ algorithm, privateKey, previousSecrets: ["s".repeat(32)] }));
    const [shown] = await jwt.publicKeys();
    const spki = createPublicKey(privateKey).export({ type: "spki", format: "pem" }).toString();
    for (const secret of [spki, JSON.stringify(shown), String(shown!["x"])]) {
      const forged = await new SignJWT({ email: CLAIMS.email, role: "admin", sid: ID, typ: "access" })
        .setProtectedHeader({ alg: "HS256", kid: String(shown!["kid"]), typ: "at+jwt" })
        .setIssuer("myelin")
        .setAudience("myelin:access")
        .setSubject(ID)
        .setExpirationTime(NOW.getTime() / 1000 + 60)
        .sign(new TextEncoder().encode(secret));
      expect(await jwt.verifyAccess(forged, NOW)).toEqual({ ok: false, reason: "invalid" });
    }
  });

  it("verifies by a public key alone once it was replaced", async () => {
    const old = createJwt(options({ algorithm, privateKey }));
    const token = await sign(old);
    const jwks = (await old.publicKeys()) as JWK[];
    const next = createJwt(options({ previousPublicKeys: jwks }));
    expect((await next.verifyAccess(token, NOW)).ok).toBe(true);
    expect(await next.publicKeys()).toEqual(jwks);
  });
});

it("shows nothing of a shared secret", async () => {
  expect(await createJwt(options()).publicKeys()).toEqual([]);
});

it.each(["", ".", "a.b.c", "..", "eyJ.eyJ.x", "ÿ.ÿ.ÿ"])("takes %j for no token", async (token) => {
  expect(await createJwt(options()).verifyAccess(token, NOW)).toEqual({ ok: false, reason: "invalid" });
});
