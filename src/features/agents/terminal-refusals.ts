import type { CommandReply } from "../../kernel/agent-protocol.ts";
import { FAULT } from "./terminal-replies.ts";

const refusal = (code: string, message: string) => ({ ok: false, code, message }) as const;

export const GONE = refusal("TERMINAL_GONE", "There is no such terminal any more.");
export const SIGNED_OUT = refusal(
  "TICKET_INVALID",
  "Whoever got the ticket may not have a terminal any more.",
);
export const UNRECORDABLE = refusal(
  "RECORDING_UNAVAILABLE",
  "Terminals are recorded here, and this one cannot be now; try again.",
);
export const MADE_UP = refusal(FAULT, "The agent answered what no agent answers.");

const STATUS: Record<string, number> = {
  [SIGNED_OUT.code]: 401,
  [FAULT]: 502,
  [UNRECORDABLE.code]: 503,
};

/** A refusal on its way to the Worker; the agent's own are conflicts. */
export const response = (reply: CommandReply): Response =>
  Response.json(reply, { status: reply.ok ? 500 : (STATUS[reply.code] ?? 409) });
