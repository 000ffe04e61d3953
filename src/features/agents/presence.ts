import {
  type AgentState,
  BEAT_MS,
  type FromAgent,
  type Host,
  SILENCE_MS,
  type Work,
} from "../../kernel/agent-protocol.ts";

/** What a link knows of its agent. */
export interface Presence {
  state: AgentState;
  /** Epoch milliseconds of the last change of `state`. */
  since: number;
  reason: string | null;
  /** The program that is, or was last, connected. */
  instance: string | null;
  version: string | null;
  capabilities: string[];
  labels: string[];
  host: Host | null;
  clockSkewMs: number | null;
  work: Work[];
  lastSeenAt: number | null;
}

/** How long a restart may take before it counts as failed. */
const START_MS = 60_000;

/** An agent that was never heard of. */
export const unseen = (now: number): Presence => ({
  state: "stopped",
  since: now,
  reason: "It has not dialled in yet.",
  instance: null,
  version: null,
  capabilities: [],
  labels: [],
  host: null,
  clockSkewMs: null,
  work: [],
  lastSeenAt: null,
});

function enter(presence: Presence, state: AgentState, reason: string | null, now: number): Presence {
  const since = presence.state === state ? presence.since : now;
  return { ...presence, state, reason, since };
}

type Said<T extends FromAgent["type"]> = Extract<FromAgent, { type: T }>;

export function greeted(presence: Presence, hello: Said<"hello">, now: number): Presence {
  const { instance, version, capabilities, labels, host } = hello;
  const isSame = presence.instance === instance && presence.state === "draining";
  const seen = { ...presence, instance, version, capabilities, labels, host, lastSeenAt: now };
  const state = isSame ? "draining" : "running";
  return { ...enter(seen, state, null, now), clockSkewMs: Date.parse(hello.now) - now };
}

export const beaten = (presence: Presence, { state, work }: Said<"beat">, now: number): Presence => ({
  ...enter(presence, state, null, now),
  work,
  lastSeenAt: now,
});

export const tookLeave = (presence: Presence, { state, reason }: Said<"bye">, now: number): Presence => ({
  ...enter(presence, state, reason, now),
  work: [],
  lastSeenAt: now,
});

export const restarting = (presence: Presence, now: number): Presence =>
  enter(presence, "starting", "It was told to restart.", now);

const isUp = ({ state }: Presence): boolean => state === "running" || state === "draining";

/** When silence changes the state, if nothing is heard until then. */
export function silenceEndsAt(presence: Presence): number {
  if (presence.state === "starting") return presence.since + START_MS;
  return isUp(presence) ? (presence.lastSeenAt ?? presence.since) + SILENCE_MS : Infinity;
}

/** The state after a silence that has lasted too long; the same presence while it has not. */
export function afterSilence(presence: Presence, now: number): Presence {
  if (now < silenceEndsAt(presence)) return presence;
  const reason =
    presence.state === "starting"
      ? "It did not come back after the restart."
      : `Nothing was heard of it for ${SILENCE_MS / 1000} seconds.`;
  return { ...enter(presence, "failed", reason, now), work: [] };
}

/** Whether a program may take the place of the one known: it is the same, or that one is gone. */
export const mayTakeOver = (
  presence: Presence,
  instance: string,
  isConnected: boolean,
  now: number,
): boolean =>
  presence.instance === instance || !isConnected || !isUp(presence) || now >= silenceEndsAt(presence);

/** What a program is told that may not: by the time in it, it sees whether the other one still beats. */
export const occupiedText = ({ lastSeenAt, since }: Presence): string =>
  `another program is connected under this identity, heard of at ${new Date(lastSeenAt ?? since).toISOString()}`;

/** A silence after which nobody waits for what the agent was doing: a network that was cut may be mended before. */
const LOST_MS = 120_000;

const lostAt = ({ lastSeenAt, since }: Presence): number => (lastSeenAt ?? since) + LOST_MS;

/** What it was doing is given up. */
export const isLost = (presence: Presence, now: number): boolean =>
  presence.state === "failed" && now >= lostAt(presence);

/** When time alone changes something next. */
export function dueAt(presence: Presence, now: number): number {
  if (presence.state === "failed") return isLost(presence, now) ? Infinity : lostAt(presence);
  return silenceEndsAt(presence) + BEAT_MS / 10;
}
