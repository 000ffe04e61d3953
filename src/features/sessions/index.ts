/**
 * Sessions: opened by every way of signing in, refreshed by rotation, listed and ended by their owners and by
 * administrators.
 * Table: sessions. No blobs, no objects.
 */
export { sessionRoutes } from "./sessions.routes.ts";
export { SignedIn } from "./sessions.schema.ts";
export {
  endSessionsOf,
  findSessionActor,
  isKnownNetwork,
  logout,
  markAuthenticated,
  openSession,
  refresh,
  sweepSessions,
} from "./sessions.service.ts";
export { cacheActor, cachedActor, forgetSession, forgetSessionsOf } from "./session-cache.ts";
