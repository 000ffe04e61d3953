/**
 * Accounts, sessions and who a request comes from.
 * Tables: users, sessions. No blobs, no objects.
 */
export { actorOf, authenticate } from "./authenticate.ts";
export { authRoutes } from "./auth.routes.ts";
export { sweepSessions } from "./auth.service.ts";
