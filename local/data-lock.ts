import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { dataLayout } from "./paths.ts";
import { clearTree, findProcess, listProcesses } from "./process-tree.ts";
import type { ProcessInfo } from "./process-tree.ts";
import { Refusal, hasCode } from "./refusal.ts";

type Child = Pick<ProcessInfo, "pid" | "startedAt">;

/** Who runs on a data folder, for the next starter to read. */
interface Running {
  /** The process a person would stop: the supervisor if there is one. */
  pid: number;
  children: Child[];
}

/** Sole use of a data folder by this process. */
export interface DataLock {
  /** Notes a child, so that it can be cleared away should this process be killed. */
  note(pid: number): void;
  /** Notes all direct children of this process. */
  noteChildren(): void;
  /** Ids of the noted children that still run. */
  children(): number[];
  release(): void;
}

/**
 * Takes the data folder or refuses with the id of the process that has it. The lock is SQLite's file lock: the kernel
 * drops it when the holder dies, however it dies, so there is no stale lock to be recognised.
 */
export async function lockDataDir(dataDir: string, holder = process.pid): Promise<DataLock> {
  const { lock, running } = dataLayout(dataDir);
  const database = takeLock(lock, () => {
    const other = readRunning(running)?.pid;
    return `${dataDir} is in use by Myelin process ${other ?? "(id unknown)"}. Stop it, or choose another folder with --data-dir.`;
  });
  await clearLeftovers(readRunning(running));
  const state: Running = { pid: holder, children: [] };
  writeRunning(running, state);
  const noteAll = (found: ProcessInfo[]) => {
    const known = new Set(state.children.map((child) => child.startedAt + child.pid));
    const fresh = found.filter((one) => !known.has(one.startedAt + one.pid));
    state.children.push(...fresh.map(({ pid, startedAt }) => ({ pid, startedAt })));
    if (fresh.length > 0) writeRunning(running, state);
  };
  return {
    note: (pid) => noteAll([findProcess(pid) ?? []].flat()),
    noteChildren: () => noteAll(listProcesses().filter((one) => one.parent === process.pid)),
    children: () => state.children.filter(isRunning).map((child) => child.pid),
    release: () => database.close(),
  };
}

function takeLock(path: string, refusal: () => string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    database.close();
    if (error instanceof Error && error.message.includes("locked")) throw new Refusal(refusal());
    throw error;
  }
}

/** Children of a holder that was killed together with its supervisor still hold ports and the database. */
async function clearLeftovers(previous: Running | undefined): Promise<void> {
  const noted = new Map(previous?.children.map((child) => [child.pid, child.startedAt]));
  if (noted.size > 0) await clearTree((one) => noted.get(one.pid) === one.startedAt);
}

const isRunning = (child: Child) => findProcess(child.pid)?.startedAt === child.startedAt;

function readRunning(path: string): Running | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Running;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

function writeRunning(path: string, state: Running): void {
  writeFileSync(`${path}.new`, JSON.stringify(state), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
