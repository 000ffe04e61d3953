import { expect, it } from "vitest";
import { isVerifierOf } from "./browser-proof.ts";
import { proofCookieName, proofCookieOptions } from "./proof-cookie.ts";

it("is locked to its host and to TLS where there is TLS", () => {
  const url = "https://ml.example";
  expect(proofCookieName(url, "0123456789")).toBe("__Host-myelin_oidc_01234567");
  const rest = { path: "/", httpOnly: true, sameSite: "Lax" };
  expect(proofCookieOptions(url)).toEqual({ ...rest, secure: true });
});

it("works without TLS on a machine of one's own", () => {
  const url = "http://localhost:8787";
  expect(proofCookieName(url, "0123456789")).toBe("myelin_oidc_01234567");
  expect(proofCookieOptions(url)).toMatchObject({ httpOnly: true, sameSite: "Lax", secure: false });
});

it("knows the verifier of a challenge (RFC 7636, appendix B)", async () => {
  const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
  expect(await isVerifierOf(challenge, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")).toBe(true);
  for (const wrong of [undefined, "", challenge]) expect(await isVerifierOf(challenge, wrong)).toBe(false);
});
