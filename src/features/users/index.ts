/**
 * Accounts as administrators see and change them.
 * Tables: users; on deletion the owner column of whatever has an owner. No blobs, no objects.
 */
export { forgetCallersOf } from "./callers.ts";
export { approveUser } from "./user-states.service.ts";
import { createRouter } from "#http/router";
import { statsRoutes } from "./stats.routes.ts";
import { userStateRoutes } from "./user-states.routes.ts";
import { userRoutes } from "./users.routes.ts";

export const userAdminRoutes = createRouter();
userAdminRoutes.route("/", userRoutes);
userAdminRoutes.route("/", userStateRoutes);
userAdminRoutes.route("/", statsRoutes);
