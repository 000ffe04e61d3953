import { setTimeout as delay } from "node:timers/promises";
import { folderBytes } from "./folder-size.ts";
import type { Breach, Limits } from "./limits.ts";
import { type Member, proportionalBytes } from "./members.ts";
import type { Tree } from "./tree.ts";

/** How much longer to wait than to look. */
const LOOK_SHARE = 20;
const DISK_LOOK_MS = 2_000;

export interface Watched {
  tree: Tree;
  /** Whose size is bounded. */
  folder: string;
  limits: Bounds;
  /** How often its processes are looked at, at most. */
  lookMs: number;
}

/** What work can have too much of, besides time. */
export type Bounds = Pick<Limits, "memoryBytes" | "processes" | "diskBytes">;

/** Looks after a piece of work for good, and says when it uses too much, as often as it finds it so. */
export function watchExcess(watched: Watched, onBreach: (breach: Breach) => void): void {
  void lookAtProcesses(watched, onBreach);
  void lookAtDisk(watched, onBreach);
}

/**
 * On a machine with very many processes a look takes long; it is then taken less often. Without a limit too: whom it has
 * seen once is found again when it has left its session and its parent.
 */
async function lookAtProcesses({ tree, limits, lookMs }: Watched, onBreach: (breach: Breach) => void) {
  for (;;) {
    const began = performance.now();
    const breach = breachOf(tree, limits);
    if (breach) onBreach(breach);
    await delay(Math.max(lookMs, LOOK_SHARE * (performance.now() - began)));
  }
}

function breachOf(tree: Tree, { memoryBytes, processes }: Bounds): Breach | undefined {
  const all = tree.list();
  if (processes !== null && all.length > processes) return "processes";
  return memoryBytes !== null && takesMoreThan(memoryBytes, all) ? "memory" : undefined;
}

/** What forked processes share counts once; that takes a closer look, so only where it may matter. */
function takesMoreThan(most: number, all: Member[]): boolean {
  const sumOf = (bytesOf: (one: Member) => number) => all.reduce((sum, one) => sum + bytesOf(one), 0);
  return sumOf(({ residentBytes }) => residentBytes) > most && sumOf(proportionalBytes) > most;
}

async function lookAtDisk({ folder, limits: { diskBytes } }: Watched, onBreach: (breach: Breach) => void) {
  if (diskBytes === null) return;
  for (;;) {
    await delay(DISK_LOOK_MS);
    if ((await folderBytes(folder)) > diskBytes) onBreach("disk");
  }
}
