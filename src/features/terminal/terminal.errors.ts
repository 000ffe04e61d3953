import { AppError } from "../../kernel/errors.ts";

export const noTerminal = (reason: string) => new AppError("conflict", "TERMINAL_UNAVAILABLE", reason);
export const agentUnclear = () =>
  new AppError(
    "invalid",
    "AGENT_UNCLEAR",
    "Several agents have a terminal, or none has; name one as `agent_id` (GET /api/terminal/info).",
  );
export const terminalNotFound = () =>
  new AppError("not_found", "TERMINAL_NOT_FOUND", "You have no such terminal open.");
export const ticketInvalid = () =>
  new AppError(
    "unauthenticated",
    "TICKET_INVALID",
    "The ticket is unknown, used, older than a minute, or of somebody who has signed out.",
  );
export const refused = (code: string, message: string) => new AppError("conflict", code, message);
/** What an agent's link answered with `status`: the caller's fault, the agent's, or nobody's. */
export const refusedBy = (status: number, code: string, message: string) =>
  new AppError(status === 502 ? "upstream" : status === 503 ? "unavailable" : "conflict", code, message);
export const recordingNotFound = () =>
  new AppError("not_found", "RECORDING_NOT_FOUND", "There is no such recording.");
export const recordingRunning = () =>
  new AppError("conflict", "RECORDING_RUNNING", "The terminal is still open; end it first.");
export const ticketRequired = () =>
  new AppError("bad_request", "TICKET_REQUIRED", "Get a ticket first (POST /api/terminal/ticket).");
