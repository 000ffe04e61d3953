import { AppError } from "../../kernel/errors.ts";

export const agentNotFound = () => new AppError("not_found", "AGENT_NOT_FOUND", "There is no such agent.");
export const agentHasToken = () =>
  new AppError("conflict", "IC_TOKEN_EXISTS", "The agent has a token; regenerate it, or revoke it first.");
export const agentHasNoToken = () =>
  new AppError("not_found", "IC_TOKEN_NOT_FOUND", "The agent has no token; issue one.");
export const agentNameTaken = (name: string) =>
  new AppError("conflict", "AGENT_NAME_TAKEN", `You have an agent named ${name} already.`);
export const agentOffline = () =>
  new AppError("conflict", "AGENT_OFFLINE", "The agent is not connected, so it cannot be told anything.");
export const agentSilent = (message: string) => new AppError("unavailable", "AGENT_SILENT", message);
export const agentRefused = (code: string, message: string) => new AppError("upstream", code, message);
