import { type ChildProcess, spawn } from "node:child_process";
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { sendSignal } from "./send-signal.ts";
import { folderBytes } from "./folder-size.ts";
import { type Breach, canCount, type Limits } from "./limits.ts";
import { Members } from "./members.ts";

/**
 * The parent of a job's first process. It lives outside of the job's group, sees to its limits, and ends all of the job
 * when that is asked for, when its first process has ended, and when the agent is gone, however it went.
 *
 * Takes an order (one line of JSON) on stdin, then maybe the line `stop`; the end of stdin is the end of the agent.
 * Descriptors 1 to 3 are the job's. Says on descriptor 4, a line of JSON each: `{started}`, `{failed}`, `{exit}`.
 */
export interface Order {
  argv: string[];
  cwd: string;
  env: Record<string, string>;
  /** Stands in the environment of all the job's processes. */
  mark: string;
  limits: Limits;
  uid?: number;
  gid?: number;
}

export type Status =
  | { started: number }
  | { failed: string }
  | { exit: { code: number | null; signal: string | null; breach: Breach | null } };

const STATUS_FD = 4;
const LOOK_MS = 200;
/** How much longer to wait than to look. */
const LOOK_SHARE = 20;
const DISK_LOOK_MS = 2_000;
const SWEEPS = 500;

const say = (status: Status) => writeSync(STATUS_FD, `${JSON.stringify(status)}\n`);

class Guard {
  readonly #order: Order;
  readonly #child: ChildProcess;
  readonly #members: Members | undefined;
  readonly #timers: NodeJS.Timeout[] = [];
  #breach: Breach | null = null;

  constructor(order: Order) {
    this.#order = order;
    const { argv, cwd, env, uid, gid } = order;
    this.#child = spawn(argv[0]!, argv.slice(1), {
      cwd,
      env: { ...env, MYELIN_WORK: order.mark },
      stdio: ["ignore", 1, 2, 3],
      detached: true,
      ...(uid !== undefined && { uid }),
      ...(gid !== undefined && { gid }),
    });
    this.#child.once("error", (error) => {
      say({ failed: error.message });
      process.exit(0);
    });
    const { pid } = this.#child;
    if (pid === undefined) return;
    say({ started: pid });
    if (canCount) this.#members = new Members(pid, `MYELIN_WORK=${order.mark}`);
    this.#child.once("exit", (code, signal) => void this.#finish(code, signal));
    this.#watch();
  }

  #watch(): void {
    const { wallSeconds, diskBytes } = this.#order.limits;
    if (wallSeconds !== null) this.#timers.push(setTimeout(() => this.#overTime(), wallSeconds * 1000));
    if (this.#members) void this.#keepLooking(this.#members);
    if (diskBytes !== null) void this.#lookAtDisk(diskBytes);
  }

  /** On a machine with very many processes a look takes long; it is then taken less often. */
  async #keepLooking(members: Members): Promise<void> {
    for (;;) {
      const began = performance.now();
      this.#look(members);
      await delay(Math.max(LOOK_MS, LOOK_SHARE * (performance.now() - began)));
    }
  }

  #look(members: Members): void {
    const { memoryBytes, processes } = this.#order.limits;
    const all = members.list();
    const resident = all.reduce((sum, one) => sum + one.residentBytes, 0);
    if (processes !== null && all.length > processes) void this.#break("processes");
    else if (memoryBytes !== null && resident > memoryBytes) void this.#break("memory");
  }

  async #lookAtDisk(most: number): Promise<void> {
    for (;;) {
      await delay(DISK_LOOK_MS);
      if ((await folderBytes(this.#order.cwd)) > most) return this.#break("disk");
    }
  }

  #overTime(): void {
    this.#breach ??= "time";
    this.stop();
  }

  #break(breach: Breach): Promise<void> {
    this.#breach ??= breach;
    return this.#killAll();
  }

  /** Asks all of it to end; makes what is left do so after the grace. */
  stop(): void {
    this.#signal("SIGTERM");
    this.#timers.push(setTimeout(() => void this.#killAll(), this.#order.limits.graceMs));
  }

  /** The agent is gone, and with it whoever would see the job end. */
  async abandon(): Promise<void> {
    await this.#killAll();
    process.exit(0);
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    sendSignal(process.platform === "win32" ? pid : -pid, signal);
    for (const member of this.#members?.list() ?? []) sendSignal(member.pid, signal);
  }

  /** Until none is left: what forks while it is killed is found the next time. */
  async #killAll(): Promise<void> {
    for (let sweep = 0; sweep < SWEEPS; sweep++) {
      this.#signal("SIGKILL");
      if (!this.#members || this.#members.list().length === 0) return;
      await delay(10);
    }
  }

  async #finish(code: number | null, signal: string | null): Promise<void> {
    this.#timers.forEach(clearTimeout);
    await this.#killAll();
    say({ exit: { code, signal, breach: this.#breach } });
    process.exit(0);
  }
}

/** Some of what keeps a program from being started is thrown, the rest comes as an event. */
function begin(order: Order): Guard {
  try {
    return new Guard(order);
  } catch (error) {
    say({ failed: error instanceof Error ? error.message : String(error) });
    process.exit(0);
  }
}

let guard: Guard | undefined;
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => guard?.stop());
const orders = createInterface({ input: process.stdin });
orders.on("line", (line) => {
  if (line === "stop") guard?.stop();
  else guard ??= begin(JSON.parse(line) as Order);
});
orders.once("close", () => void (guard ? guard.abandon() : process.exit(0)));
