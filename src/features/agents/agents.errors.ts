import { AppError } from "../../kernel/errors.ts";

export const agentNotFound = () => new AppError("not_found", "AGENT_NOT_FOUND", "There is no such agent.");
export const agentNameTaken = (name: string) =>
  new AppError("conflict", "AGENT_NAME_TAKEN", `You have an agent named ${name} already.`);
