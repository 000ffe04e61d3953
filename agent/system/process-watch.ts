import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import si from "systeminformation";
import type { ProcessReport, ProcessSample } from "../../src/kernel/system-sample.ts";

const APART_MS = 1_000;
const MAX_PROCESSES = 1_000;
const FRESH_MS = 2_000;

type Listed = Pick<si.Systeminformation.ProcessesProcessData, "pid" | "name" | "cpu" | "memRss" | "started">;

// `ps` gives the share of one CPU; on Linux and Windows the package works out that of all.
const cpuScale = ["linux", "win32"].includes(process.platform) ? 1 : 1 / cpus().length;

/** The package tells the start as local time without saying so. */
const runtimeOf = (started: string, now: number): number =>
  Math.max(0, Math.round((now - new Date(started.replace(" ", "T")).getTime()) / 1000));

function toProcess({ pid, name, cpu, memRss, started }: Listed, now: number): ProcessSample {
  return {
    pid,
    name: name.slice(0, 300),
    cpu_percent: Math.round(Math.min(100, Math.max(0, cpu * cpuScale)) * 1000) / 1000,
    memory_bytes: memRss * 1024,
    runtime_seconds: runtimeOf(started, now),
  };
}

const busiestFirst = (a: ProcessSample, b: ProcessSample): number =>
  b.cpu_percent - a.cpu_percent || b.memory_bytes - a.memory_bytes || a.pid - b.pid;

/**
 * The processes of this machine that were there all through a second, by their CPU time in it. Without the kernel's own
 * threads, which have no memory, and without those that list the others.
 */
async function readProcesses(): Promise<ProcessReport> {
  const before = new Set((await si.processes()).list.map(({ pid }) => pid));
  await sleep(APART_MS);
  const { list } = await si.processes();
  const now = Date.now();
  const lasting = list
    .filter(({ pid, memRss, started }) => before.has(pid) && memRss > 0 && started !== "")
    .map((listed) => toProcess(listed, now))
    .filter(({ runtime_seconds }) => Number.isFinite(runtime_seconds))
    .sort(busiestFirst);
  return {
    at: new Date(now).toISOString(),
    processes: lasting.slice(0, MAX_PROCESSES),
    total: lasting.length,
  };
}

/** Lists processes for any number of callers: those who come while it looks, or shortly after, share what it sees. */
export class ProcessWatch {
  #report: Promise<ProcessReport> | undefined;

  report(): Promise<ProcessReport> {
    if (this.#report) return this.#report;
    const report = readProcesses();
    this.#report = report;
    const forget = () => (this.#report = undefined);
    report.then(() => setTimeout(forget, FRESH_MS).unref(), forget);
    return report;
  }
}
