import type { Role } from "../actor.ts";

/** Somebody as another system knows and vouches for them. */
export interface ExternalPerson {
  issuer: string;
  /** What the issuer calls them, for ever. */
  subject: string;
  email: string | null;
  /** The issuer itself has seen that the address is theirs. */
  emailVerified: boolean;
  name: string | null;
  /** What the configured mapping makes of their claims or groups; `null` where it says nothing. */
  role: Role | null;
}

/** What one round trip to a provider is known by; made anew for each. */
export interface RoundTrip {
  redirectUri: string;
  state: string;
  nonce: string;
  /** PKCE (RFC 7636): the provider gets to see only its hash until the code is redeemed. */
  verifier: string;
}

export type ProviderRefusal =
  /** The person, or the provider, said no. */
  | "denied"
  /** The answer was not what a right one is. */
  | "rejected"
  /** The provider could not be reached. */
  | "unavailable";

/** `detail` is for the log, and free of secrets. */
export type ProviderReply<T> = ({ ok: true } & T) | { ok: false; reason: ProviderRefusal; detail: string };

/** An OpenID Connect provider of the configuration. */
export interface IdentityProvider {
  name: string;
  label: string;
  /** Whether its word that an address is verified counts, and leads to the account that has it. */
  linkVerifiedEmail: boolean;
  /** Whether somebody unknown gets an account. */
  allowSignup: boolean;
  /** Where the browser goes to sign in. */
  authorizationUrl(trip: RoundTrip): Promise<ProviderReply<{ url: string }>>;
  /** Trades the code the browser came back with (`query`, as it arrived) for who it is, everything verified. */
  redeem(trip: RoundTrip, query: string): Promise<ProviderReply<{ person: ExternalPerson }>>;
}
