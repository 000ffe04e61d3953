import * as oidc from "openid-client";
import type { Role } from "../kernel/actor.ts";
import type {
  ExternalPerson,
  IdentityProvider,
  ProviderRefusal,
  ProviderReply,
  RoundTrip,
} from "../kernel/ports/identity-provider.ts";
import { mappedRole } from "../kernel/role-mapping.ts";

export interface OidcOptions {
  name: string;
  label: string;
  /** https, or http on loopback. */
  issuer: string;
  clientId: string;
  /** None for a public client. */
  clientSecret?: string;
  scopes: string;
  /** The claim whose text, or list of texts, `roles` maps; dots lead into claims. */
  roleClaim?: string;
  roles: ReadonlyMap<string, Role>;
  linkVerifiedEmail: boolean;
  allowSignup: boolean;
}

const TIMEOUT_SECONDS = 10;
const DISCOVERED_MS = 3_600_000;
const MAX_ANSWER_BYTES = 1_000_000;

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;
const isPlainLoopback = ({ protocol, hostname }: URL) => protocol === "http:" && LOOPBACK.test(hostname);

/** Whatever the provider's metadata says: what is sent to an endpoint goes by TLS, or does not leave the machine. */
function checkEndpoints(config: oidc.Configuration, issuer: URL): void {
  const { authorization_endpoint, token_endpoint, jwks_uri, userinfo_endpoint } = config.serverMetadata();
  for (const endpoint of [authorization_endpoint, token_endpoint, jwks_uri]) {
    if (endpoint === undefined) throw new Error("the provider's metadata lacks an endpoint");
  }
  for (const endpoint of [authorization_endpoint, token_endpoint, jwks_uri, userinfo_endpoint]) {
    if (endpoint === undefined) continue;
    const url = new URL(endpoint);
    if (url.protocol !== "https:" && !(isPlainLoopback(issuer) && isPlainLoopback(url)))
      throw new Error(`the provider's metadata names an endpoint without TLS at ${url.host}`);
  }
}

/** A secret goes the way the provider takes it, in the header unless it says otherwise (RFC 8414, section 2). */
function clientAuth(secret: string | undefined): oidc.ClientAuth {
  if (secret === undefined) return oidc.None();
  const [basic, post] = [oidc.ClientSecretBasic(secret), oidc.ClientSecretPost(secret)];
  return (server, ...rest) => {
    const { token_endpoint_auth_methods_supported: methods } = server;
    const takesPost = methods?.includes("client_secret_post") && !methods.includes("client_secret_basic");
    return (takesPost ? post : basic)(server, ...rest);
  };
}

/** Asks the provider for what no honest answer is larger than: a larger one would fill everybody's memory. */
async function fetchBounded(url: string, options: oidc.CustomFetchOptions): Promise<Response> {
  const response = await fetch(url, options as RequestInit);
  let size = 0;
  const bound = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES) throw new RangeError("the provider's answer is too large");
      controller.enqueue(chunk);
    },
  });
  return new Response(response.body?.pipeThrough(bound) ?? null, response);
}

async function discover({ issuer, clientId, clientSecret }: OidcOptions): Promise<oidc.Configuration> {
  const url = new URL(issuer);
  const config = await oidc.discovery(url, clientId, {}, clientAuth(clientSecret), {
    timeout: TIMEOUT_SECONDS,
    [oidc.customFetch]: fetchBounded,
    execute: [
      // Without it the library trusts TLS alone and does not look at an ID token's signature.
      oidc.enableNonRepudiationChecks,
      ...(isPlainLoopback(url) ? [oidc.allowInsecureRequests] : []),
    ],
  });
  config.timeout = TIMEOUT_SECONDS;
  checkEndpoints(config, url);
  return config;
}

// The provider could not be asked, in contrast to having said something wrong.
const UNANSWERED = new Set(["OAUTH_TIMEOUT", "OAUTH_ABORT", "OAUTH_RESPONSE_IS_NOT_CONFORM"]);

/** Only code and text: the causes of the library's errors hold whole answers, tokens included. */
function refusalOf(error: unknown): { ok: false; reason: ProviderRefusal; detail: string } {
  const { code = "", message = "" } = error as { code?: string; message?: string };
  const detail = `${code} ${message}`.trim();
  if (error instanceof oidc.AuthorizationResponseError) return { ok: false, reason: "denied", detail };
  const isAnswer = code.startsWith("OAUTH_") && !UNANSWERED.has(code);
  return { ok: false, reason: isAnswer ? "rejected" : "unavailable", detail };
}

type Claims = Record<string, unknown>;

/** A text that tables can hold: JSON knows two things that they do not. */
const text = (value: unknown): string | null =>
  typeof value === "string" && value !== "" && !value.includes("\0") && value.isWellFormed() ? value : null;

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Claims)[name]
    : undefined;

/** A claim by its name, or by the path to it where a provider keeps it in another (`realm_access.roles`). */
const claimIn = (claims: Claims, name: string): unknown =>
  memberOf(claims, name) ?? name.split(".").reduce<unknown>(memberOf, claims);

function roleIn(claims: Claims, { roleClaim, roles }: OidcOptions): Role | null {
  if (roleClaim === undefined) return null;
  // Left out it means "none": of whoever is in no group any more, many providers do not send an empty list.
  const values = [claimIn(claims, roleClaim)].flat().filter((item) => typeof item === "string");
  return mappedRole(values, roles);
}

const toPerson = (claims: oidc.IDToken, all: Claims, options: OidcOptions): ExternalPerson => ({
  issuer: claims.iss,
  subject: claims.sub,
  email: text(all["email"]),
  emailVerified: all["email_verified"] === true,
  name: text(all["name"]) ?? text(all["preferred_username"]),
  role: roleIn(all, options),
});

/** An OpenID Connect provider by its discovery document: authorization code with PKCE, ID tokens checked by its keys. */
export function createOidcProvider(options: OidcOptions): IdentityProvider {
  let known: { config: oidc.Configuration; at: number } | undefined;

  // The result is shared between requests, never the waiting for it: workerd ties a promise to its request.
  async function configuration(): Promise<oidc.Configuration> {
    if (known && Date.now() - known.at < DISCOVERED_MS) return known.config;
    const config = await discover(options);
    known = { config, at: Date.now() };
    return config;
  }

  /** Providers may keep all claims but the subject for their userinfo endpoint. */
  async function allClaims(config: oidc.Configuration, claims: oidc.IDToken, token: string): Promise<Claims> {
    const wanted = ["email", ...(options.roleClaim === undefined ? [] : [options.roleClaim])];
    const isWhole = wanted.every((name) => claimIn(claims, name) !== undefined);
    if (isWhole || config.serverMetadata().userinfo_endpoint === undefined) return claims;
    const more: Claims = await oidc.fetchUserInfo(config, token, claims.sub);
    // That an address is verified is said of the address beside it.
    const { email, email_verified } = claims["email"] === undefined ? more : claims;
    return { ...more, ...claims, email, email_verified };
  }

  async function redeemed({ redirectUri, state, nonce, verifier }: RoundTrip, query: string) {
    const config = await configuration();
    const url = new URL(redirectUri);
    url.search = query;
    const tokens = await oidc.authorizationCodeGrant(config, url, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifier,
      idTokenExpected: true,
    });
    const claims = tokens.claims()!;
    return toPerson(claims, await allClaims(config, claims, tokens.access_token), options);
  }

  const { name, label, linkVerifiedEmail, allowSignup } = options;
  return {
    ...{ name, label, linkVerifiedEmail, allowSignup },
    async authorizationUrl({ redirectUri, state, nonce, verifier }): Promise<ProviderReply<{ url: string }>> {
      try {
        const url = oidc.buildAuthorizationUrl(await configuration(), {
          redirect_uri: redirectUri,
          scope: options.scopes,
          code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
          code_challenge_method: "S256",
          state,
          nonce,
        });
        return { ok: true, url: url.href };
      } catch (error) {
        return refusalOf(error);
      }
    },
    async redeem(trip, query) {
      try {
        return { ok: true, person: await redeemed(trip, query) };
      } catch (error) {
        return refusalOf(error);
      }
    },
  };
}
