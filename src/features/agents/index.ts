/**
 * Agents: the machines that dial in to do what needs a machine, and the tokens they come with.
 * Table: agents. No blobs, no objects.
 */
import { createRouter } from "#http/router";
import { agentRoutes as routes } from "./agents.routes.ts";
import { icTokenRoutes } from "./ic-tokens.routes.ts";

export { findAgentActor, forgetAgentsOf } from "./agent-access.service.ts";
export { countAgents } from "./agents.repo.ts";

export const agentRoutes = createRouter();
agentRoutes.route("/", routes);
agentRoutes.route("/", icTokenRoutes);
