import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { hasCode } from "./refusal.ts";

/** One running process. `startedAt` tells it from a later process that was given the same id. */
export interface ProcessInfo {
  pid: number;
  parent: number;
  group: number;
  startedAt: string;
}

/** Every live process of this machine (zombies left out). */
export function listProcesses(): ProcessInfo[] {
  if (process.platform === "linux") {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => readStat(Number(name)) ?? []);
  }
  const table = execFileSync("ps", ["-A", "-o", "pid=,ppid=,pgid=,stat=,lstart="], { encoding: "utf8" });
  return table.split("\n").flatMap((line) => {
    const [pid, parent, group, state = "Z", ...start] = line.trim().split(/\s+/);
    if (!pid || state.startsWith("Z")) return [];
    return [{ pid: Number(pid), parent: Number(parent), group: Number(group), startedAt: start.join(" ") }];
  });
}

/** The process with this id, or undefined when it is gone. */
export function findProcess(pid: number): ProcessInfo | undefined {
  return process.platform === "linux" ? readStat(pid) : listProcesses().find((one) => one.pid === pid);
}

// proc(5): the name in brackets may hold spaces and brackets itself, so count from the last one.
function readStat(pid: number): ProcessInfo | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z") return undefined;
    return {
      pid,
      parent: Number(fields[1]),
      group: Number(fields[2]),
      startedAt: `${bootId()}/${fields[19]}`,
    };
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "ESRCH")) return undefined;
    throw error;
  }
}

let boot: string | undefined;
function bootId(): string {
  boot ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return boot;
}

/** All processes below the ones that `isRoot` picks, the picked ones included. */
export function findTree(isRoot: (one: ProcessInfo) => boolean, processes = listProcesses()): ProcessInfo[] {
  const inTree = new Set(processes.filter(isRoot).map((one) => one.pid));
  for (let before = -1; before !== inTree.size;) {
    before = inTree.size;
    for (const one of processes) if (inTree.has(one.parent)) inTree.add(one.pid);
  }
  return processes.filter((one) => inTree.has(one.pid));
}

/**
 * Kills (-9) everything below the picked processes, this process excepted. The whole tree is listed before the first
 * kill, because children of a killed parent are no longer to be found below it (Postgres and shells make own groups).
 */
export function killTree(isRoot: (one: ProcessInfo) => boolean): ProcessInfo[] {
  const tree = findTree(isRoot).filter((one) => one.pid !== process.pid);
  for (const one of tree) sendSignal(one.pid, "SIGKILL");
  return tree;
}

const GONE_TRIES = 500;
const GONE_POLL_MS = 10;

/** Kills the tree and returns when all of it is gone, so that its ports and files are free. */
export async function clearTree(isRoot: (one: ProcessInfo) => boolean): Promise<void> {
  const killed = new Map<number, string>();
  const remaining = () => {
    for (const one of killTree(isRoot)) killed.set(one.pid, one.startedAt);
    return listProcesses().filter((one) => killed.get(one.pid) === one.startedAt);
  };
  for (let tries = 0; tries < GONE_TRIES; tries++) {
    if (remaining().length === 0) return;
    await delay(GONE_POLL_MS);
  }
  throw new Error(`Processes ${[...killed.keys()].join(", ")} do not end, not even by kill -9.`);
}

/** Sends a signal; a process that is gone already is fine. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!hasCode(error, "ESRCH")) throw error;
  }
}
