import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { close, listen } from "./identity-provider.ts";

export type Claims = Record<string, unknown>;

/** What a provider's token answer is made of. */
export interface Asked {
  claims: Claims;
  sign(claims: Claims, header?: Claims): Promise<string>;
  /** Signed with a key that nobody published. */
  forge(claims: Claims): Promise<string>;
}

/** An OpenID provider that speaks the protocol and says what a test wants it to. */
export interface RogueProvider {
  issuer: string;
  /** Makes the ID token of the next answers; the right one unless set. */
  idToken: (asked: Asked) => Promise<string> | string;
  /** Changes the address the browser is sent back to. */
  back: (url: URL) => void;
  /** Changes the discovery document. */
  metadata: Claims;
  /** What its userinfo endpoint adds to the subject, where the discovery document names one. */
  userinfo: Claims;
  /** What came to the token endpoint. */
  redeemed: URLSearchParams[];
  /** Signs with a new key from now on, and publishes no other. */
  rotate(): Promise<void>;
  reset(): void;
  stop(): Promise<void>;
}

async function keyPair(kid: string) {
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  const sign = (claims: Claims, header: Claims = {}) =>
    new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid, ...header }).sign(privateKey);
  return { sign, jwk: { ...(await exportJWK(publicKey)), kid, alg: "RS256", use: "sig" } };
}

export async function startRogueProvider(clientId: string): Promise<RogueProvider> {
  const server = createServer();
  const issuer = await listen(server);
  let own = await keyPair("1");
  const other = await keyPair("1");
  const nonces = new Map<string, string>();
  const sayRight = ({ sign, claims }: Asked) => sign(claims);
  const honest = () => ({
    ...{ idToken: sayRight, back: () => undefined, metadata: {}, userinfo: {}, redeemed: [] },
  });
  const rogue: RogueProvider = {
    ...{ issuer, ...honest() },
    rotate: async () => void (own = await keyPair(randomUUID())),
    reset: () => Object.assign(rogue, honest()),
    stop: () => close(server),
  };

  const discovery = () => ({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ["code"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
    authorization_response_iss_parameter_supported: true,
    ...rogue.metadata,
  });

  function authorize(query: URLSearchParams): string {
    const code = randomUUID();
    nonces.set(code, query.get("nonce")!);
    const url = new URL(query.get("redirect_uri")!);
    for (const [name, value] of Object.entries({ code, state: query.get("state")!, iss: issuer }))
      url.searchParams.set(name, value);
    rogue.back(url);
    return url.href;
  }

  async function token(body: URLSearchParams) {
    rogue.redeemed.push(body);
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      ...{ iss: issuer, aud: clientId, sub: "rogue-1", iat: now, exp: now + 300 },
      ...{ nonce: nonces.get(body.get("code")!), email: "rogue@example.com", email_verified: true },
    };
    const idToken = await rogue.idToken({ claims, sign: own.sign, forge: other.sign });
    return { access_token: randomUUID(), token_type: "Bearer", id_token: idToken };
  }

  server.on("request", (request, response) => {
    const { pathname, searchParams } = new URL(request.url!, issuer);
    const say = (body: unknown) =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (pathname === "/authorize")
      return response.writeHead(302, { location: authorize(searchParams) }).end();
    // With everything that was sent along.
    if (pathname.startsWith("/moved/"))
      return response.writeHead(307, { location: pathname.slice("/moved".length) }).end();
    if (pathname === "/userinfo") return say({ sub: "rogue-1", ...rogue.userinfo });
    if (pathname === "/jwks") return say({ keys: [own.jwk] });
    if (pathname === "/token") {
      const answered = text(request).then((body) => token(new URLSearchParams(body)));
      return void answered.then(say, (error) => response.writeHead(500).end(String(error)));
    }
    return say(discovery());
  });
  return rogue;
}
