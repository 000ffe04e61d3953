/**
 * API tokens: what programs act for a user by, never with more than the user may do.
 * Table: api_tokens (only hashes). No blobs, no objects.
 */
export { admitToken, countUse, isApiToken, noteUse } from "./token-access.service.ts";
export { forgetTokensOf } from "./token-grants.ts";
export { tokenRoutes } from "./tokens.routes.ts";
export { sweepTokens } from "./tokens.service.ts";
