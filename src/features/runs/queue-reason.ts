import type { RunKind } from "../../db/schema.ts";

/** An agent that was heard of within the lease time. */
export interface Worker {
  ownerId: string;
  shared: boolean;
  capabilities: string[];
  labels: string[];
  /** How many runs it takes at once; `null` when it did not say. */
  concurrency: number | null;
  /** How many it holds. */
  busy: number;
}

export interface Waiting {
  ownerId: string;
  kind: RunKind;
  labels: string[];
  notBefore: Date | null;
  /** From 1, among the owner's own runs of the same kind and labels. */
  turn: number;
  /** The same among everybody's, as shared agents take them. */
  sharedTurn: number;
}

export const REASONS = [
  "backing_off",
  "no_agent",
  "no_agent_with_capability",
  "no_agent_with_labels",
  "agents_busy",
  "others_first",
  "next",
] as const;
export type Reason = (typeof REASONS)[number];

/** What was counted: agents that may take the run, can do its kind, have its labels; places of those, and taken ones. */
export interface Facts {
  connected: number;
  capable: number;
  matching: number;
  places: number | null;
  busy: number;
}

/** What an agent must say it can do for a run of a kind. */
export const NEEDS: Record<RunKind, string> = { "builtin:tabular": "train", command: "command" };

const sum = (numbers: number[]): number => numbers.reduce((total, one) => total + one, 0);
const hasRoom = ({ concurrency, busy }: Worker): boolean => busy < (concurrency ?? 1);

export interface Why {
  reason: Reason;
  /** From 1, among the runs that compete with it. */
  position: number;
  facts: Facts;
}

/** Why a run still waits, by what the agents last said of themselves. */
export function whyWaiting(run: Waiting, workers: Worker[], now: Date): Why {
  const usable = workers.filter(({ shared, ownerId }) => shared || ownerId === run.ownerId);
  const capable = usable.filter(({ capabilities }) => capabilities.includes(NEEDS[run.kind]));
  const matching = capable.filter(({ labels }) => run.labels.every((label) => labels.includes(label)));
  const places = matching.map(({ concurrency }) => concurrency);
  const facts: Facts = {
    connected: usable.length,
    capable: capable.length,
    matching: matching.length,
    places: places.every((place) => place !== null) ? sum(places) : null,
    busy: sum(matching.map(({ busy }) => busy)),
  };
  const position = matching.length > 0 && matching.every(({ shared }) => shared) ? run.sharedTurn : run.turn;
  return { reason: reasonOf(run, position, facts, matching.some(hasRoom), now), position, facts };
}

function reasonOf(
  { notBefore }: Waiting,
  position: number,
  facts: Facts,
  isRoom: boolean,
  now: Date,
): Reason {
  if (notBefore && notBefore > now) return "backing_off";
  if (facts.connected === 0) return "no_agent";
  if (facts.capable === 0) return "no_agent_with_capability";
  if (facts.matching === 0) return "no_agent_with_labels";
  if (!isRoom) return "agents_busy";
  return position > 1 ? "others_first" : "next";
}
