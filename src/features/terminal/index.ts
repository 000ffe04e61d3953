/**
 * Terminals: who may have a shell on an agent's machine, the tickets to them, and who may see what they said. The bytes go
 * through the agent's link, which records them. Table: terminal_recordings, with its blobs `terminals/…`; both are written
 * by the link.
 */
import { createRouter } from "#http/router";
import { recordingRoutes } from "./recordings.routes.ts";
import { terminalRoutes as routes } from "./terminal.routes.ts";

export { sweepRecordings } from "./recordings.service.ts";

export const terminalRoutes = createRouter();
terminalRoutes.route("/", recordingRoutes);
terminalRoutes.route("/", routes);
