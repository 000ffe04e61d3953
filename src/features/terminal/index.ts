/**
 * Terminals: who may have a shell on an agent's machine, and the tickets to them. The bytes go through the agent's link.
 * No tables, blobs or objects of its own.
 */
export { terminalRoutes } from "./terminal.routes.ts";
