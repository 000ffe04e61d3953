import type { Watcher } from "./run-feeds.ts";
import type { AgentState, CommandReply, Host, Work } from "../agent-protocol.ts";

/** How an agent is, as far as its link knows. */
export interface LinkStatus {
  connected: boolean;
  state: AgentState;
  /** Epoch milliseconds of the last change of state. */
  since: number;
  reason: string | null;
  work: Work[];
  host: Host | null;
  version: string | null;
  capabilities: string[];
  labels: string[];
  /** Milliseconds the agent's clock is ahead of ours; `null` before it ever connected. */
  clockSkewMs: number | null;
  lastSeenAt: number | null;
}

export interface LinkCommand {
  name: string;
  args: unknown;
  /** How long the answer is waited for; afterwards the command is cancelled and `AGENT_TIMEOUT` answered. */
  timeoutMs: number;
  /** How long the agent is told still when it comes back, also after nobody waits for an answer any more. */
  keepMs?: number;
  /** An id of the caller's makes a repeated command the same one; its answer is kept for ten minutes. */
  id?: string;
}

export interface AgentLogLine {
  /** Place among the agent's lines. */
  seq: number;
  level: "debug" | "info" | "warn" | "error";
  message: string;
  /** Epoch milliseconds. */
  at: number;
}

/** Whom a terminal belongs to, and how it is to be opened: what a ticket stands for. */
export interface TerminalTicket {
  /** The terminal's id. */
  terminal: string;
  /** A new one, or one that is open already and is looked at again. */
  isNew: boolean;
  userId: string;
  userName: string;
  /** The sign-in by which it is looked at; it ends with it. */
  watcher: Watcher;
  ip: string | null;
  rows: number;
  columns: number;
  idleSeconds: number;
  maxSeconds: number;
  /** The agent's, for people. */
  agentName: string;
  /** What it says is recorded, up to so many bytes; `null` where it is not. */
  recording: { maxBytes: number } | null;
}

/** An open terminal, as its link knows it. */
export interface OpenTerminal {
  id: string;
  userId: string;
  openedAt: number;
  /** Whether somebody looks at it now. */
  attached: boolean;
}

/** The header in which a ticket crosses to the link with the upgrade of whoever looks. */
export const TERMINAL_HEADER = "x-terminal";

/** What an agent's link does. One per agent, wherever the agent is. */
export interface AgentLinkHandle {
  /** Takes the agent's own upgrade; whoever calls has checked its token. */
  connect(request: Request): Promise<Response>;
  status(): Promise<LinkStatus>;
  /** Whether that program is the one connected, or could be: no other one is, and alive. */
  admits(instance: string): Promise<boolean>;
  /**
   * Has the agent do something, and waits for what comes of it. `AGENT_OFFLINE` at once when it is not connected. What
   * the agent says meanwhile comes to `onEvent`, in order and before the reply.
   */
  ask(command: LinkCommand, onEvent?: (data: unknown) => void): Promise<CommandReply>;
  /** Lines after `after`, oldest first, at most `limit`; the newest `limit` without `after`. */
  readLogs(query: { after?: number; limit: number }): Promise<AgentLogLine[]>;
  /** The newest sample each of the last hour (every 15 s) and day (every 5 min), oldest first. */
  readSamples(span: "hour" | "day"): Promise<{ at: number; sample: unknown }[]>;
  addTicket(hash: string, expiresAt: number, ticket: TerminalTicket): Promise<void>;
  /** What a ticket stands for, once. */
  redeemTicket(hash: string, now: number): Promise<TerminalTicket | null>;
  /** Takes the upgrade of somebody with a ticket, named in `TERMINAL_HEADER`; a refusal of the agent's is a 409 of JSON. */
  openTerminal(request: Request): Promise<Response>;
  listTerminals(): Promise<OpenTerminal[]>;
  /** Ends a terminal: now, or when the agent is there to be told. */
  closeTerminal(id: string): Promise<CommandReply>;
  /** What of a recording is not in the blob store, and how many parts are; nothing when all of it is there. */
  readRecording(id: string): Promise<{ parts: number; rest: Uint8Array } | null>;
  /** Ends the connection for good and forgets everything: the agent or its token is gone. */
  revoke(): Promise<void>;
}

export interface AgentLinks {
  of(agentId: string): AgentLinkHandle;
}
