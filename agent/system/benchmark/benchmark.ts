import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Work } from "../../../src/kernel/agent-protocol.ts";
import type { BenchmarkFigure, BenchmarkReport } from "../../../src/kernel/system-sample.ts";
import { CommandRefused } from "../../link/commands.ts";
import { ownProgram } from "../../own-file.ts";
import { removeFolder } from "../../remove-folder.ts";

const MAIN = ownProgram("agent/system/benchmark/main");
const LONGEST_MS = 20_000;
const FOLDER = "benchmark-";
/** All the process gets to see of the agent's environment; above all not the agent's token. */
const ENV_ALLOWED = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SystemRoot"];

const environment = () =>
  Object.fromEntries(ENV_ALLOWED.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));

/** Measures this machine in a process of its own, one at a time; files go below `directory`, and away again. */
export class Benchmark {
  readonly #directory: string;
  readonly #longestMs: number;
  #work: Work | undefined;

  constructor(directory: string, longestMs = LONGEST_MS) {
    this.#directory = directory;
    this.#longestMs = longestMs;
  }

  /** The benchmark under way, if there is one. */
  work(): Work[] {
    return this.#work ? [this.#work] : [];
  }

  /**
   * What was measured until it was through or its time was up; throws when `signal` says that nobody waits for it, and
   * refuses with `BENCHMARK_BUSY` while another one runs.
   */
  async run(signal: AbortSignal): Promise<BenchmarkReport> {
    if (this.#work) throw new CommandRefused("BENCHMARK_BUSY", "A benchmark runs on this agent already.");
    this.#work = { kind: "benchmark", id: randomUUID(), since: new Date().toISOString() };
    try {
      return await this.#report(signal);
    } finally {
      this.#work = undefined;
    }
  }

  async #report(signal: AbortSignal): Promise<BenchmarkReport> {
    const folder = this.#newFolder();
    try {
      const from = performance.now();
      const figures = await this.#measure(folder, signal);
      return {
        at: new Date().toISOString(),
        duration_ms: Math.round(performance.now() - from),
        figures,
      };
    } finally {
      removeFolder(folder);
    }
  }

  /** Takes away what an agent that was killed has left, too. */
  #newFolder(): string {
    mkdirSync(this.#directory, { recursive: true });
    for (const name of readdirSync(this.#directory))
      if (name.startsWith(FOLDER)) removeFolder(join(this.#directory, name));
    return mkdtempSync(join(this.#directory, FOLDER));
  }

  async #measure(folder: string, signal: AbortSignal): Promise<BenchmarkFigure[]> {
    signal.throwIfAborted();
    const child = spawn(process.execPath, [MAIN, folder], {
      env: environment(),
      stdio: ["pipe", "pipe", "pipe"],
    });
    const kill = () => child.kill("SIGKILL");
    const timer = setTimeout(kill, this.#longestMs);
    signal.addEventListener("abort", kill, { once: true });
    const figures: BenchmarkFigure[] = [];
    let complaint = "";
    child.stderr.on("data", (data) => (complaint = (complaint + String(data)).slice(-500)));
    try {
      const closed = once(child, "close");
      for await (const line of createInterface({ input: child.stdout }))
        figures.push(JSON.parse(line) as BenchmarkFigure);
      const [code] = (await closed) as [number | null];
      signal.throwIfAborted();
      if (code !== null && code !== 0)
        throw new Error(`The benchmark ended with exit code ${code}: ${complaint}`);
      return figures;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", kill);
    }
  }
}
