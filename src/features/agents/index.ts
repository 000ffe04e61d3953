/**
 * Agents: the machines that dial in to do what needs a machine, the tokens they come with and the links they hold.
 * Tables: agents, agent_events; terminal_recordings is written here and read by `terminal`. Blobs: `terminals/…`. Object:
 * AgentLink, one per agent (its storage: presence, commands, logs, samples, terminals, recordings under way).
 */
import { createRouter } from "#http/router";
import { agentRoutes as routes } from "./agents.routes.ts";
import { connectRoutes } from "./connect.routes.ts";
import { icTokenRoutes } from "./ic-tokens.routes.ts";
import { operationRoutes } from "./operations.routes.ts";

export {
  findAgentActor,
  forgetAgentsOf,
  listConnectedAgents,
  listKernelAgents,
} from "./agent-access.service.ts";
export { type AgentLinkPorts, createAgentLink } from "./agent-link.object.ts";
export { createAgentRecords } from "./agent-records.repo.ts";
export { recordingPartKey } from "./asciicast.ts";
export { createRecordingArchive } from "./recording-archive.repo.ts";
export type { Agent } from "./agents.schema.ts";
export { sweepAgentEvents } from "./operations.service.ts";
export { getAgent, listAgents } from "./agents.service.ts";
export { mayWork } from "./agent-seat.service.ts";
export { countAgents } from "./agents.repo.ts";

export const agentRoutes = createRouter();
agentRoutes.route("/", connectRoutes);
agentRoutes.route("/", routes);
agentRoutes.route("/", operationRoutes);
agentRoutes.route("/", icTokenRoutes);
