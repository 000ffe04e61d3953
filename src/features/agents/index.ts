/**
 * Agents: the machines that dial in to do what needs a machine.
 * Table: agents.
 */
export { countAgents, findAgentByTokenHash } from "./agents.repo.ts";
export { agentRoutes } from "./agents.routes.ts";
