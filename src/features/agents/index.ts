/**
 * Agents: the machines that dial in to do what needs a machine.
 * Table: agents. No blobs, no objects.
 */
export { findAgentActor, forgetAgentsOf } from "./agent-access.service.ts";
export { countAgents } from "./agents.repo.ts";
export { agentRoutes } from "./agents.routes.ts";
