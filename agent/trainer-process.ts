import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

const TRAINER = fileURLToPath(new URL("../trainer/main.ts", import.meta.url));
const GRACE_MS = 5_000;
/** All a training gets to see of the agent's environment; above all not the agent's token. */
const ENV_ALLOWED = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SystemRoot"];

export interface TrainerOutput {
  metric(line: string): Promise<void>;
  log(level: "INFO" | "ERROR", line: string): Promise<void>;
}

export interface TrainerExit {
  code: number | null;
  /** The last of what it said on stderr. */
  complaint: string;
}

/** The built-in trainer as a process group of its own, which dies with the agent. */
export class TrainerProcess {
  readonly #child: ChildProcess;
  readonly #output: TrainerOutput;
  #complaint: string[] = [];

  constructor(jobFile: string, output: TrainerOutput) {
    const env = Object.fromEntries(
      ENV_ALLOWED.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
    );
    this.#output = output;
    this.#child = spawn(process.execPath, [TRAINER, jobFile], {
      env: { ...env, MYELIN_EXIT_WITH_PARENT: "1" },
      // The trainer ends when its stdin does, which is when this process is gone, however it went.
      stdio: ["pipe", "pipe", "pipe", "pipe"],
      detached: true,
    });
  }

  /** Reads all it says until it has exited and its pipes have run dry. */
  async finish(): Promise<TrainerExit> {
    const child = this.#child;
    const exited =
      child.pid === undefined
        ? once(child, "error").then(([error]) => Promise.reject(error))
        : once(child, "exit");
    const reading = [
      this.#read(child.stdio[3] as Readable, (line) => this.#output.metric(line)),
      this.#read(child.stdout!, (line) => this.#output.log("INFO", line)),
      this.#read(child.stderr!, (line) => this.#complain(line)),
    ];
    const [code] = (await exited) as [number | null];
    await Promise.all(reading);
    return { code, complaint: this.#complaint.join("\n") };
  }

  async #read(stream: Readable, take: (line: string) => Promise<void>): Promise<void> {
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) await take(line);
  }

  async #complain(line: string): Promise<void> {
    this.#complaint = [...this.#complaint, line].slice(-20);
    await this.#output.log("ERROR", line);
  }

  /** SIGTERM to the whole group, SIGKILL to what is left of it after a while. */
  async kill(): Promise<void> {
    const { pid } = this.#child;
    if (pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    signalGroup(pid, "SIGTERM");
    const impatience = setTimeout(() => signalGroup(pid, "SIGKILL"), GRACE_MS);
    await gone;
    clearTimeout(impatience);
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(process.platform === "win32" ? pid : -pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
