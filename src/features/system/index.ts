/**
 * System figures: what agents' machines are and do, asked of the agents and of what their links have kept.
 * No tables, no blobs, no objects of its own; reads the table agents.
 */
export { systemRoutes } from "./system.routes.ts";
