/**
 * Getting in: registering, signing in by password, and who a request comes from.
 * No tables of its own (see accounts, sessions, one-time-tokens), no blobs, no objects.
 */
export { accountPages } from "./account-pages.ts";
export { authenticate } from "./authenticate.ts";
export { authRoutes } from "./auth.routes.ts";
export { compatRoutes } from "./compat.routes.ts";
export { jwksRoutes } from "./jwks.routes.ts";
export { linkRoutes } from "./links.routes.ts";
