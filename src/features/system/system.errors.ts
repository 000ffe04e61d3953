import { AppError, type ErrorKind } from "../../kernel/errors.ts";

export const agentNotFound = () => new AppError("not_found", "AGENT_NOT_FOUND", "There is no such agent.");
export const notYourMachine = () =>
  new AppError("forbidden", "AGENT_NOT_YOURS", "Only its owner may run a benchmark on an agent.");

const REFUSALS: Record<string, [kind: ErrorKind, code: string]> = {
  BENCHMARK_BUSY: ["conflict", "BENCHMARK_BUSY"],
  AGENT_OFFLINE: ["conflict", "AGENT_OFFLINE"],
  AGENT_TIMEOUT: ["unavailable", "AGENT_SILENT"],
  AGENT_GONE: ["unavailable", "AGENT_SILENT"],
  COMMAND_UNKNOWN: ["not_supported", "COMMAND_UNKNOWN"],
};

/** What an agent or its link refused; anything else that comes of a command is that machine's fault. */
export function agentRefused({ code, message }: { code: string; message: string }): AppError {
  const [kind, known] =
    (Object.hasOwn(REFUSALS, code) && REFUSALS[code]) || (["upstream", "AGENT_FAILED"] as const);
  return new AppError(kind, known, message);
}
