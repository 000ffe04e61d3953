import { type ChildProcess, spawn } from "node:child_process";
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { type Bounds, watchExcess } from "./excess.ts";
import type { Breach, Limits } from "./limits.ts";
import { removeFolder } from "../remove-folder.ts";
import { Tree } from "./tree.ts";

/**
 * Sees to the limits of one piece of work, and ends all of it when that is asked for, when its first process has ended,
 * and when the agent is gone, however it went. It lives outside of the work's process group. It starts a job itself, as
 * its parent; a kernel or a shell is there already, and said to have ended by the agent, whose child it is.
 *
 * Takes an order (one line of JSON) on stdin, then maybe the line `stop`; the end of stdin is the end of the agent.
 * Descriptors 1 to 3 are the job's. Says on descriptor 4, a line of JSON each: `{started}`, `{failed}`, `{exit}`.
 */
export type Order = JobOrder | FoundOrder;

interface CommonOrder {
  /** The folder whose size is bounded. */
  cwd: string;
  /** Stands in the environment of all its processes. */
  mark: string;
  lookMs: number;
}

export interface JobOrder extends CommonOrder {
  argv: string[];
  env: Record<string, string>;
  limits: Limits;
  uid?: number;
  gid?: number;
}

/** Work that was begun by others; `stop` kills it at once. */
export interface FoundOrder extends CommonOrder {
  leader: number;
  limits: Bounds;
  /** A folder that goes with it. */
  scratch: string | null;
}

export type Status =
  | { started: number }
  | { failed: string }
  | { exit: { code: number | null; signal: string | null; breach: Breach | null } };

interface Guard {
  stop(): void;
  /** The agent is gone, and with it whoever would see the work end. */
  abandon(): Promise<void>;
}

const STATUS_FD = 4;

const say = (status: Status) => writeSync(STATUS_FD, `${JSON.stringify(status)}\n`);

/** Guards what is there already. */
class FoundGuard implements Guard {
  readonly #order: FoundOrder;
  readonly #tree: Tree;
  #breach: Breach | null = null;

  constructor(order: FoundOrder) {
    this.#order = order;
    this.#tree = new Tree(order.leader, order.mark);
    watchExcess({ ...order, tree: this.#tree, folder: order.cwd }, (breach) => {
      this.#breach ??= breach;
      void this.#tree.killAll();
    });
  }

  stop(): void {
    void this.#finish();
  }

  async abandon(): Promise<void> {
    await this.#clearAway();
    process.exit(0);
  }

  async #finish(): Promise<void> {
    await this.#clearAway();
    say({ exit: { code: null, signal: null, breach: this.#breach } });
    process.exit(0);
  }

  async #clearAway(): Promise<void> {
    await this.#tree.killAll();
    if (this.#order.scratch !== null) removeFolder(this.#order.scratch);
  }
}

class JobGuard implements Guard {
  readonly #order: JobOrder;
  readonly #child: ChildProcess;
  readonly #tree: Tree | undefined;
  readonly #timers: NodeJS.Timeout[] = [];
  #breach: Breach | null = null;

  constructor(order: JobOrder) {
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
    this.#tree = new Tree(pid, order.mark);
    this.#child.once("exit", (code, signal) => void this.#finish(code, signal));
    this.#watch(this.#tree);
  }

  #watch(tree: Tree): void {
    const { limits } = this.#order;
    if (limits.wallSeconds !== null)
      this.#timers.push(setTimeout(() => this.#overTime(), limits.wallSeconds * 1000));
    watchExcess({ ...this.#order, tree, folder: this.#order.cwd }, (breach) => {
      this.#breach ??= breach;
      void tree.killAll();
    });
  }

  #overTime(): void {
    this.#breach ??= "time";
    this.stop();
  }

  /** Asks all of it to end; makes what is left do so after the grace. */
  stop(): void {
    this.#tree?.signal("SIGTERM");
    this.#timers.push(setTimeout(() => void this.#tree?.killAll(), this.#order.limits.graceMs));
  }

  async abandon(): Promise<void> {
    await this.#tree?.killAll();
    process.exit(0);
  }

  async #finish(code: number | null, signal: string | null): Promise<void> {
    this.#timers.forEach(clearTimeout);
    await this.#tree?.killAll();
    say({ exit: { code, signal, breach: this.#breach } });
    process.exit(0);
  }
}

/** Some of what keeps a program from being started is thrown, the rest comes as an event. */
function begin(order: Order): Guard {
  try {
    return "leader" in order ? new FoundGuard(order) : new JobGuard(order);
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
