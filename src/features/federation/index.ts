/**
 * Identities that others vouch for: signing in through OpenID Connect providers and an LDAP directory, and what of them
 * belongs to an account.
 * Table: identities (round trips and codes in one_time_tokens). No blobs, no objects.
 */
export { askDirectoryInVain, signInByDirectory } from "./directory.service.ts";
export { hasIdentity } from "./identities.service.ts";
export { identityRoutes } from "./identities.routes.ts";
export { oidcRoutes } from "./oidc.routes.ts";
