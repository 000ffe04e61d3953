import { AppError } from "../../kernel/errors.ts";

export const agentNotFound = () => new AppError("not_found", "AGENT_NOT_FOUND", "There is no such agent.");
export const agentHasToken = () =>
  new AppError("conflict", "IC_TOKEN_EXISTS", "The agent has a token; regenerate it, or revoke it first.");
export const agentHasNoToken = () =>
  new AppError("not_found", "IC_TOKEN_NOT_FOUND", "The agent has no token; issue one.");
export const agentNameTaken = (name: string) =>
  new AppError("conflict", "AGENT_NAME_TAKEN", `You have an agent named ${name} already.`);
