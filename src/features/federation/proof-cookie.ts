import { proofKey } from "./browser-proof.ts";

const isSecure = (publicUrl: string) => publicUrl.startsWith("https:");

/** What the cookie of a step is called; behind TLS so that no other host of the domain can set it (RFC 6265bis). */
export const proofCookieName = (publicUrl: string, token: string): string =>
  `${isSecure(publicUrl) ? "__Host-" : ""}myelin_oidc_${proofKey(token)}`;

/** It goes along when a provider sends the browser back, and with no other request of another site's. */
export const proofCookieOptions = (publicUrl: string) =>
  ({ path: "/", httpOnly: true, sameSite: "Lax", secure: isSecure(publicUrl) }) as const;
