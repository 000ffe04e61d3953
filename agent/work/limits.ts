import { totalmem } from "node:os";

/** What one job may use; `null` lifts a limit. */
export interface Limits {
  wallSeconds: number | null;
  /** Resident memory of all its processes together. Pages they share count once for each. */
  memoryBytes: number | null;
  processes: number | null;
  /** Of stdout and stderr together, each line counting 64 bytes more; eight times as much of metric lines. */
  outputBytes: number;
  /** What its working folder may hold. */
  diskBytes: number | null;
  /** Between being asked to end and being made to. */
  graceMs: number;
}

const MB = 1024 * 1024;

export const DEFAULT_LIMITS: Limits = {
  wallSeconds: null,
  memoryBytes: Math.floor(totalmem() * 0.8),
  processes: 512,
  outputBytes: 64 * MB,
  diskBytes: 20_000 * MB,
  graceMs: 4_000,
};

/** No limit of what is watched over. */
export const UNLIMITED = { wallSeconds: null, memoryBytes: null, processes: null, diskBytes: null };

/** Memory and processes are counted from /proc; elsewhere these two limits are off. */
export const canCount = process.platform === "linux";

export type Breach = "time" | "memory" | "processes" | "disk";

const inMb = (bytes: number | null): string => `${Math.round((bytes ?? 0) / MB)} MB`;

/** What is told of work that was ended for using too much. */
export function breachText(
  breach: Breach,
  limits: Omit<Limits, "outputBytes" | "graceMs">,
  what = "job",
): string {
  if (breach === "time") return `The ${what} took longer than ${limits.wallSeconds} s and was ended.`;
  if (breach === "memory")
    return `The ${what} used more than ${inMb(limits.memoryBytes)} of memory and was killed.`;
  if (breach === "disk")
    return `The ${what}'s folder held more than ${inMb(limits.diskBytes)}; it was killed.`;
  return `The ${what} had more than ${limits.processes} processes and was killed.`;
}
