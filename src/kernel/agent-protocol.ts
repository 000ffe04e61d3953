/**
 * What an agent and its link say to each other over their one WebSocket: JSON in text frames, and the bytes of
 * terminals in binary ones. Either side repeats what was not acknowledged, so both take everything at least once.
 */

/** The protocol both sides name in the handshake. */
export const LINK_PROTOCOL = "myelin.agent.v1";

/** How often an agent says that it is there, and how long without word it counts as gone. */
export const BEAT_MS = 15_000;
export const SILENCE_MS = 45_000;

/** Longest text frame either side sends; what is larger travels by HTTP. */
export const MAX_FRAME_BYTES = 1_000_000;

/** Why a link ends a connection. */
export const CloseCode = {
  /** The agent was deleted or its token taken away. */
  revoked: 4001,
  /** Another program is connected under the same identity; another reason than last time is a sign of life of it. */
  occupied: 4009,
  /** The same program dialled in anew. */
  replaced: 4010,
  /** It said something no agent says. */
  protocol: 4002,
} as const;

export interface Gpu {
  name: string;
  vendor: string | null;
  memory_bytes: number | null;
  driver: string | null;
}

/** The machine an agent runs on; what it cannot tell is `null`. */
export interface Host {
  hostname: string;
  platform: string;
  arch: string;
  cpus: number;
  memory_bytes: number;
  gpus: Gpu[];
  /** Name and release of the operating system. */
  os?: string | null;
  /** What its terminals start, where it has any. */
  shell?: string | null;
  /** Why it has none though it was to have some. */
  no_shell?: string | null;
  cpu_model?: string | null;
  /** Cores; `cpus` counts their threads. */
  physical_cpus?: number | null;
  /** What a container or service manager lets the agent have; `null` where it sets no limit. */
  limits?: { cpus: number | null; memory_bytes: number | null };
}

export type AgentState = "starting" | "running" | "draining" | "stopped" | "failed";

/** One thing an agent is doing. */
export interface Work {
  kind: "run" | "notebook" | "terminal" | "benchmark";
  id: string;
  /** RFC 3339. */
  since: string;
}

export type FromAgent =
  | {
      type: "hello";
      /** Made anew whenever the program starts; the same over its reconnects. */
      instance: string;
      version: string;
      capabilities: string[];
      labels: string[];
      host: Host;
      /** The agent's own clock, RFC 3339. */
      now: string;
    }
  | { type: "beat"; state: "running" | "draining"; work: Work[]; sample?: unknown }
  /** A command has arrived and is kept. */
  | { type: "ack"; id: string }
  | { type: "result"; id: string; reply: CommandReply }
  /** Something that happened, numbered from 1 for each instance; repeated until it is acknowledged. */
  | { type: "event"; seq: number; topic: string; data: unknown }
  | { type: "log"; level: "debug" | "info" | "warn" | "error"; message: string; at: string }
  | { type: "bye"; state: "stopped" | "failed"; reason: string };

export type ToAgent =
  /** `event` is the last event of this instance the link has. */
  | { type: "welcome"; agent_id: string; event: number }
  | { type: "command"; id: string; name: string; args: unknown }
  /** Nobody waits for the command any more; what has begun is ended. */
  | { type: "cancel"; id: string }
  | { type: "result-ack"; id: string }
  | { type: "event-ack"; seq: number };

/** What came of a command. A refusal has one of the codes the command's documentation names, or one of the link's. */
export type CommandReply = { ok: true; value: unknown } | { ok: false; code: string; message: string };

/** The link's own refusals. */
export type LinkRefusal = "AGENT_OFFLINE" | "AGENT_TIMEOUT" | "AGENT_GONE" | "COMMAND_UNKNOWN";
