import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { chownSync, mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { Execution, ExecutionEnd, Kernel, KernelEvent } from "../../src/kernel/ports/kernels.ts";
import { ownFile } from "../own-file.ts";
import { type JobUser, jobEnvironment } from "../work/environment.ts";
import type { Bounds } from "../work/excess.ts";
import { Guarded } from "../work/guarded.ts";
import { type Breach, breachText, UNLIMITED } from "../work/limits.ts";
import { sendSignal } from "../work/send-signal.ts";
import { readDriverEvent } from "./driver-event.ts";
import { eventLines } from "./event-lines.ts";
import type { Interpreter } from "./interpreter.ts";

const DRIVERS: Record<Interpreter["driver"], string> = {
  plain: ownFile("agent/kernel/driver.py"),
  jupyter: ownFile("agent/kernel/jupyter_driver.py"),
};
const LOOK_MS = 500;
const GRACE_MS = 5_000;
const READ_MS = 2_000;
/** One that is not there by then will not be. */
const START_MS = 60_000;
/** What one cell may say; the rest is read and dropped, so that it goes on and memory stays flat. */
const MAX_CELL_CHARACTERS = 2_000_000;

/** What one event may say: it travels in one frame, which holds 1,000,000. */
const MAX_EVENT_CHARACTERS = 990_000;

const leftOut = (size: number): KernelEvent => ({
  type: "stream",
  name: "stderr",
  text: `[an output of ${size} characters was left out: one may have ${MAX_EVENT_CHARACTERS}]\n`,
});

export interface PythonOptions {
  /** The interpreter; `python3` of the path when absent. */
  python?: string;
  /** What drives it; that of plain Python when absent. */
  driver?: Interpreter["driver"];
  implementation?: string;
  /** Where cells find and leave files. */
  directory?: string;
  /** Whom cells run as, where that is not the agent's own user. */
  user?: JobUser | undefined;
  /** Address space; no limit when absent. */
  memoryBytes?: number;
  /** What all its processes together, and its folder, may have; the kernel is ended when they have more. */
  limits?: Bounds;
  /** How long an interrupted cell may go on before its kernel is killed. */
  graceMs?: number;
}

interface Running {
  id: string;
  emit(event: KernelEvent): void;
  end(end: ExecutionEnd): void;
  said: number;
  isCut: boolean;
  stop: "interrupted" | "timeout" | undefined;
}

/** The folder of a kernel's sockets: nobody else may come near them, and a socket's path must be short. */
function socketFolder({ driver, user }: PythonOptions): string | null {
  if (driver !== "jupyter") return null;
  const folder = mkdtempSync(join(tmpdir(), "myelin-kernel-"));
  if (user) chownSync(folder, user.uid, user.gid);
  return folder;
}

function environment(options: PythonOptions, sockets: string | null): NodeJS.ProcessEnv {
  const { memoryBytes, user, directory = "/" } = options;
  const given: Record<string, string> = { PYTHONIOENCODING: "utf-8", PYTHONDONTWRITEBYTECODE: "1" };
  if (memoryBytes !== undefined) given["MYELIN_KERNEL_MEMORY_BYTES"] = String(memoryBytes);
  if (sockets !== null) given["MYELIN_KERNEL_FOLDER"] = sockets;
  return jobEnvironment(given, user, directory);
}

/** A Python interpreter as a process group of its own, which ends with the agent. */
export class PythonKernel implements Kernel {
  readonly implementation: string | null;
  readonly #child: ChildProcess;
  readonly #graceMs: number;
  readonly #limits: Bounds;
  /** When nothing of it is left: how it ended. */
  readonly #ended: Promise<string>;
  #running: Running | undefined;
  /** Settles when it takes commands: a signal before that would end it. */
  readonly #ready = Promise.withResolvers<void>();
  #isReady = false;
  #isOver = false;

  constructor(options: PythonOptions = {}) {
    const { python = "python3", driver = "plain", directory, user, graceMs = GRACE_MS } = options;
    this.implementation = options.implementation ?? null;
    this.#graceMs = graceMs;
    this.#limits = options.limits ?? UNLIMITED;
    const mark = randomUUID();
    const sockets = socketFolder(options);
    this.#child = spawn(python, ["-u", DRIVERS[driver]], {
      env: { ...environment(options, sockets), MYELIN_WORK: mark },
      ...(user && { uid: user.uid, gid: user.gid }),
      ...(directory !== undefined && { cwd: directory }),
      // 3 tells it what to run, and that we are gone when it ends; 4 tells us what comes of it.
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
      detached: true,
    });
    const { pid } = this.#child;
    const order = { cwd: directory ?? "/", mark, lookMs: LOOK_MS, limits: this.#limits, scratch: sockets };
    const guard = pid === undefined ? undefined : new Guarded({ ...order, leader: pid });
    if (!guard && sockets !== null) rmdirSync(sockets);
    // A kernel that is gone says so by its exit; a command on its way then has nowhere to go.
    (this.#child.stdio[3] as Writable).on("error", () => undefined);
    this.#ended = this.#untilExit().then(async (how) => this.#reasonOf(how, (await guard?.end()) ?? null));
    void this.#listen();
    const impatience = setTimeout(() => this.#signal("SIGKILL"), START_MS);
    void Promise.race([this.#ready.promise, this.#ended]).then(() => clearTimeout(impatience));
  }

  get alive(): boolean {
    return !this.#isOver;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Settles when it is gone, with all that it started: how that came. */
  get ended(): Promise<string> {
    return this.#ended;
  }

  /** Whether it ended by itself before it could run anything. */
  get hasFailedToStart(): boolean {
    return this.#isOver && !this.#isReady && this.#child.exitCode !== null;
  }

  #reasonOf(how: string, breach: Breach | null): string {
    return breach ? breachText(breach, { ...UNLIMITED, ...this.#limits }, "kernel") : how;
  }

  async #untilExit(): Promise<string> {
    const failed = once(this.#child, "error").then(
      ([error]) => `Python cannot be started: ${(error as Error).message}`,
    );
    const exited = once(this.#child, "exit").then(([code, signal]) =>
      signal === null
        ? `The Python process ended with code ${String(code)}.`
        : `The Python process was ended by ${String(signal)}.`,
    );
    const how = await Promise.race([failed, exited]);
    this.#isOver = true;
    return how;
  }

  async #listen(): Promise<void> {
    const events = eventLines(this.#child.stdio[4] as Readable);
    const reading = (async () => {
      for await (const line of events) this.#take(line);
    })();
    // What it left behind goes with it, and closes the pipe that is still being read; whoever escaped may hold it open.
    const reason = await this.#ended;
    await Promise.race([reading.catch(() => undefined), delay(READ_MS)]);
    this.#child.stdio[4]!.destroy();
    this.#end({ status: "dead", reason });
  }

  #take(line: unknown): void {
    const event = readDriverEvent(line);
    const running = this.#running;
    if (event?.kind === "ready") this.#begin();
    if (!event || !running || event.kind === "ready" || event.id !== running.id) return;
    if (event.kind === "done") this.#end({ status: running.stop ?? event.status });
    else this.#pass(running, event.event);
  }

  #begin(): void {
    this.#isReady = true;
    this.#ready.resolve();
  }

  #pass(running: Running, event: KernelEvent): void {
    const size = JSON.stringify(event).length;
    const isError = event.type === "error";
    // How a cell ended is told in any case, unless it is longer than any honest end.
    const most = isError ? MAX_CELL_CHARACTERS + MAX_EVENT_CHARACTERS : MAX_CELL_CHARACTERS;
    if ((isError || !running.isCut) && running.said + size <= most) {
      running.said += size;
      return running.emit(size > MAX_EVENT_CHARACTERS ? leftOut(size) : event);
    }
    if (running.isCut) return;
    running.isCut = true;
    const text = `[output cut off here: a cell may say ${MAX_CELL_CHARACTERS} characters]\n`;
    running.emit({ type: "stream", name: "stderr", text });
  }

  #end(end: ExecutionEnd): void {
    const running = this.#running;
    this.#running = undefined;
    running?.end(end);
  }

  async execute(
    { cellId, source, timeoutMs }: Execution,
    emit: (event: KernelEvent) => void,
  ): Promise<ExecutionEnd> {
    if (this.#isOver) return { status: "dead", reason: await this.#ended };
    if (this.#running) throw new Error("a kernel runs one cell at a time");
    const { promise, resolve } = Promise.withResolvers<ExecutionEnd>();
    const running: Running = { id: cellId, emit, end: resolve, said: 0, isCut: false, stop: undefined };
    this.#running = running;
    const timeout = setTimeout(() => void this.#stop("timeout"), timeoutMs);
    const command = JSON.stringify({ op: "execute", id: cellId, source: source.toWellFormed() });
    void this.#ready.promise.then(() => {
      if (this.#running === running) (this.#child.stdio[3] as Writable).write(`${command}\n`);
    });
    try {
      return await promise;
    } finally {
      clearTimeout(timeout);
    }
  }

  interrupt(): Promise<void> {
    return this.#stop("interrupted");
  }

  /** SIGINT, which is a KeyboardInterrupt inside the cell; SIGKILL to the whole group when that is not heard. */
  async #stop(why: "interrupted" | "timeout"): Promise<void> {
    const running = this.#running;
    if (!running || running.stop) return;
    running.stop = why;
    if (!this.#isReady) return this.#end({ status: why });
    this.#signal("SIGINT");
    const deadline = Date.now() + this.#graceMs;
    while (this.#running === running && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    if (this.#running === running) this.#signal("SIGKILL");
  }

  async shutdown(): Promise<void> {
    this.#isOver = true;
    this.#signal("SIGKILL");
    await this.#ended;
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid !== undefined) sendSignal(-pid, signal);
  }
}
