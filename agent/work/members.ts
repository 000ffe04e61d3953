import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { hasCode } from "../has-code.ts";

/** One process of a job. */
export interface Member {
  pid: number;
  residentBytes: number;
}

interface Stat {
  pid: number;
  parent: number;
  group: number;
  session: number;
  startedAt: string;
  pages: number;
}

const GONE = ["ENOENT", "ESRCH", "EACCES", "EPERM"];

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    if (GONE.some((code) => hasCode(error, code))) return undefined;
    throw error;
  }
}

// proc(5): the name in brackets may hold spaces and brackets itself, so count from the last one.
function statOf(pid: number): Stat | undefined {
  const text = read(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return undefined;
  const [parent, group, session, pages] = [fields[1], fields[2], fields[3], fields[21]].map(Number);
  return {
    pid,
    parent: parent!,
    group: group!,
    session: session!,
    startedAt: fields[19]!,
    pages: pages!,
  };
}

/**
 * What a process takes of memory, pages that others have too shared out among all who do (`Pss` of proc(5)): what it has
 * resident where that cannot be told.
 */
export function proportionalBytes({ pid, residentBytes }: Member): number {
  const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? "")?.[1];
  return kilobytes === undefined ? residentBytes : Number(kilobytes) * 1024;
}

const KERNEL_THREADS = 2;

/**
 * The live processes of a job, from Linux's /proc: those of its group or session, those that carry its mark in their
 * environment, and whatever a process known to be the job's has started. One that leaves the session, drops the
 * environment and loses its parent, all between two looks, is not found any more.
 */
export class Members {
  readonly #group: number;
  readonly #mark: string;
  readonly #pageBytes = Number(execFileSync("getconf", ["PAGESIZE"], { encoding: "utf8" }));
  /** Processes known to be the job's, or known not to carry its mark, by id and start. */
  readonly #known = new Map<string, boolean>();

  constructor(group: number, mark: string) {
    this.#group = group;
    this.#mark = mark;
  }

  list(): Member[] {
    const all = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => statOf(Number(name)) ?? []);
    const ours = new Set(all.filter((one) => this.#isOurs(one)).map(({ pid }) => pid));
    ours.delete(process.pid);
    for (let before = -1; before !== ours.size;) {
      before = ours.size;
      for (const { pid, parent } of all) if (ours.has(parent)) ours.add(pid);
    }
    this.#remember(all, ours);
    return all
      .filter(({ pid }) => ours.has(pid))
      .map(({ pid, pages }) => ({ pid, residentBytes: pages * this.#pageBytes }));
  }

  #isOurs(one: Stat): boolean {
    if (one.group === this.#group || one.session === this.#group) return true;
    const known = this.#known.get(keyOf(one));
    if (known !== undefined) return known;
    if (one.parent === KERNEL_THREADS) return false;
    const environment = read(`/proc/${one.pid}/environ`);
    // Empty in the moment in which a process becomes another program: look again next time.
    if (environment !== "") this.#known.set(keyOf(one), environment?.includes(this.#mark) ?? false);
    return environment?.includes(this.#mark) ?? false;
  }

  #remember(all: Stat[], ours: Set<number>): void {
    const alive = new Set(all.map(keyOf));
    for (const key of this.#known.keys()) if (!alive.has(key)) this.#known.delete(key);
    for (const one of all) if (ours.has(one.pid)) this.#known.set(keyOf(one), true);
  }
}

const keyOf = ({ pid, startedAt }: Stat): string => `${pid}/${startedAt}`;
