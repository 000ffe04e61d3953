import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { hasCode } from "../has-code.ts";
import { jobEnvironment, type JobUser } from "./environment.ts";
import type { Status } from "./guard.ts";
import { type Breach, breachText, type Limits } from "./limits.ts";
import { Lines } from "./lines.ts";
import { sendSignal } from "./send-signal.ts";
import { startGuard } from "./start-guard.ts";

const COMPLAINT_LINES = 20;
/** Figures are what a job is for: there may be more of them than of its talk. */
const METRICS_SHARE = 8;
const NOTING_MS = 2_000;
const IDLE_MS = 1_000;
const GUARD_MS = 10_000;
const LOOK_MS = 200;

interface Budget {
  left: number;
  told: boolean;
}

export interface WorkOrder {
  argv: string[];
  /** Its working folder, which is what the limit on disk is about. */
  folder: string;
  env: Record<string, string>;
  limits: Limits;
  user?: JobUser | undefined;
}

export interface WorkOutput {
  /** A line on descriptor 3. */
  metric(line: string): Promise<void>;
  log(stream: "stdout" | "stderr" | "agent", line: string): Promise<void>;
}

export interface WorkExit {
  code: number | null;
  signal: string | null;
  breach: Breach | null;
  /** Why it could not be started, or be seen to its end. */
  failure: string | null;
  /** The last of what it said on stderr. */
  complaint: string;
}

/** Whether a job ended well; otherwise what is told of it. */
export function reasonOf(exit: WorkExit, limits: Limits): string | null {
  if (exit.failure !== null) return exit.failure;
  if (exit.breach) return [breachText(exit.breach, limits), exit.complaint].filter(Boolean).join("\n");
  if (exit.code === 0) return null;
  const how = exit.code === null ? `was ended by ${exit.signal}` : `ended with exit code ${exit.code}`;
  return exit.complaint || `The process ${how}.`;
}

/**
 * A program run for somebody: a process group of its own below a guard that keeps it within its limits and outlives
 * nobody's end, the agent's by kill -9 included.
 */
export class ProcessGroup {
  readonly #guard: ChildProcess;
  readonly #output: WorkOutput;
  readonly #limits: Limits;
  readonly #exited: Promise<unknown>;
  #leader: number | undefined;
  #exit: Omit<WorkExit, "complaint" | "failure"> | undefined;
  #failure: string | null = null;
  #complaint: string[] = [];
  #lastHeard = 0;
  #taking = 0;
  #isLetGo = false;

  constructor({ argv, folder, env, limits, user }: WorkOrder, output: WorkOutput) {
    this.#output = output;
    this.#limits = limits;
    const order = {
      ...{ argv, cwd: folder, env: jobEnvironment(env, user, folder), limits },
      ...{ mark: randomUUID(), lookMs: LOOK_MS },
      ...(user && { uid: user.uid, gid: user.gid }),
    };
    this.#guard = startGuard(order, "pipe");
    this.#exited =
      this.#guard.pid === undefined
        ? once(this.#guard, "error").then(([error]) => (this.#failure = String(error)))
        : once(this.#guard, "exit");
  }

  /** Reads all it says until it has ended, with everything it started, and its pipes have run dry. */
  async finish(): Promise<WorkExit> {
    const [, stdout, stderr, metrics, status] = this.#guard.stdio as [Writable, ...Readable[]];
    const budget = { left: this.#limits.outputBytes, told: false };
    const streams = [stdout!, stderr!, metrics!];
    const noting = this.#read(status!, { left: Infinity, told: false }, async (line) =>
      this.#note(JSON.parse(line) as Status),
    );
    const reading = Promise.all([
      this.#read(stdout!, budget, (line) => this.#output.log("stdout", line)),
      this.#read(stderr!, budget, (line) => this.#complain(line)),
      this.#read(metrics!, { left: METRICS_SHARE * budget.left, told: false }, (line) =>
        this.#output.metric(line),
      ),
      noting,
    ]);
    await Promise.race([this.#exited, reading]);
    await this.#exited;
    // What it said last may say whom it leaves behind. Nobody but the guard has this pipe.
    await Promise.race([noting, delay(NOTING_MS)]);
    await this.#clearAway();
    await Promise.race([reading, this.#letGo(streams)]);
    await reading;
    const exit = this.#exit ?? { code: null, signal: null, breach: null };
    const failure = this.#failure ?? (this.#exit ? null : "The job's guard was killed, and the job with it.");
    return { ...exit, failure, complaint: this.#complaint.join("\n") };
  }

  /** Asks all of it to end, and makes what is left do so after the grace. Resolves when it is gone. */
  async kill(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#guard;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    this.#guard.stdin!.write("stop\n");
    const impatience = setTimeout(() => sendSignal(pid, "SIGKILL"), this.#limits.graceMs + GUARD_MS);
    await this.#exited;
    clearTimeout(impatience);
    await this.#clearAway();
  }

  #note(status: Status): void {
    if ("started" in status) this.#leader = status.started;
    else if ("failed" in status) this.#failure = `The program could not be started: ${status.failed}`;
    else this.#exit = status.exit;
  }

  /** Of a guard that was killed nobody ended the job. */
  async #clearAway(): Promise<void> {
    if (this.#exit || this.#leader === undefined || process.platform === "win32") return;
    sendSignal(-this.#leader, "SIGKILL");
  }

  /** Somebody who escaped may hold the pipes open for ever: once nothing more comes they are closed. */
  async #letGo(streams: Readable[]): Promise<void> {
    this.#lastHeard = performance.now();
    while (this.#taking > 0 || performance.now() - this.#lastHeard < IDLE_MS) await delay(100);
    this.#isLetGo = true;
    for (const stream of streams) stream.destroy();
  }

  async #read(stream: Readable, budget: Budget, take: (line: string) => Promise<void>): Promise<void> {
    const lines = new Lines({ budget, take, onBudgetSpent: () => this.#tellTruncated(budget) });
    try {
      for await (const chunk of stream) await this.#taken(lines.write(chunk as Buffer));
    } catch (error) {
      if (!this.#isLetGo && !hasCode(error, "ECONNRESET")) throw error;
    }
    await this.#taken(lines.end());
  }

  async #tellTruncated(budget: Budget): Promise<void> {
    if (budget.told) return;
    budget.told = true;
    await this.#output.log("agent", `output truncated: more than ${this.#limits.outputBytes} bytes`);
  }

  async #taken(work: Promise<void>): Promise<void> {
    this.#taking++;
    await work.finally(() => this.#taking--);
    this.#lastHeard = performance.now();
  }

  async #complain(line: string): Promise<void> {
    this.#complaint = [...this.#complaint, line].slice(-COMPLAINT_LINES);
    await this.#output.log("stderr", line);
  }
}
