import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { Execution, ExecutionEnd, Kernel, KernelEvent } from "../../src/kernel/ports/kernels.ts";
import { ownFile } from "../own-file.ts";
import { type JobUser, jobEnvironment } from "../work/environment.ts";
import { sweep } from "../work/sweep.ts";
import { readDriverEvent } from "./driver-event.ts";
import { eventLines } from "./event-lines.ts";

const DRIVER = ownFile("agent/kernel/driver.py");
const GRACE_MS = 5_000;
const READ_MS = 2_000;
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
  /** Where cells find and leave files. */
  directory?: string;
  /** Whom cells run as, where that is not the agent's own user. */
  user?: JobUser | undefined;
  /** Address space; no limit when absent. */
  memoryBytes?: number;
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

function environment({ memoryBytes, user, directory = "/" }: PythonOptions): NodeJS.ProcessEnv {
  const given: Record<string, string> = { PYTHONIOENCODING: "utf-8", PYTHONDONTWRITEBYTECODE: "1" };
  if (memoryBytes !== undefined) given["MYELIN_KERNEL_MEMORY_BYTES"] = String(memoryBytes);
  return jobEnvironment(given, user, directory);
}

/** A Python interpreter as a process group of its own, which ends with the agent. */
export class PythonKernel implements Kernel {
  /** Stands in the environment of all that it starts, as `MYELIN_WORK`. */
  readonly mark = randomUUID();
  readonly #child: ChildProcess;
  readonly #graceMs: number;
  readonly #exited: Promise<string>;
  /** When nothing of it is left. */
  readonly #swept: Promise<void>;
  #running: Running | undefined;
  #isOver = false;

  constructor(options: PythonOptions = {}) {
    const { python = "python3", directory, user, graceMs = GRACE_MS } = options;
    this.#graceMs = graceMs;
    this.#child = spawn(python, ["-u", DRIVER], {
      env: { ...environment(options), MYELIN_WORK: this.mark },
      ...(user && { uid: user.uid, gid: user.gid }),
      ...(directory !== undefined && { cwd: directory }),
      // 3 tells it what to run, and that we are gone when it ends; 4 tells us what comes of it.
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
      detached: true,
    });
    // A kernel that is gone says so by its exit; a command on its way then has nowhere to go.
    (this.#child.stdio[3] as Writable).on("error", () => undefined);
    this.#exited = this.#untilExit();
    this.#swept = this.#exited.then(() => sweep(this.#child.pid, this.mark));
    void this.#listen();
  }

  get alive(): boolean {
    return !this.#isOver;
  }

  get pid(): number | undefined {
    return this.#child.pid;
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
    return Promise.race([failed, exited]);
  }

  async #listen(): Promise<void> {
    const events = eventLines(this.#child.stdio[4] as Readable);
    const reading = (async () => {
      for await (const line of events) this.#take(line);
    })();
    const reason = await this.#exited;
    this.#isOver = true;
    // What it left behind goes with it, and closes the pipe that is still being read; whoever escaped may hold it open.
    await this.#swept;
    await Promise.race([reading.catch(() => undefined), delay(READ_MS)]);
    this.#child.stdio[4]!.destroy();
    this.#end({ status: "dead", reason });
  }

  #take(line: unknown): void {
    const event = readDriverEvent(line);
    const running = this.#running;
    if (!event || !running || event.kind === "ready" || event.id !== running.id) return;
    if (event.kind === "done") this.#end({ status: running.stop ?? event.status });
    else this.#pass(running, event.event);
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
    if (this.#isOver) return { status: "dead", reason: await this.#exited };
    if (this.#running) throw new Error("a kernel runs one cell at a time");
    const { promise, resolve } = Promise.withResolvers<ExecutionEnd>();
    this.#running = { id: cellId, emit, end: resolve, said: 0, isCut: false, stop: undefined };
    const timeout = setTimeout(() => void this.#stop("timeout"), timeoutMs);
    const command = JSON.stringify({ op: "execute", id: cellId, source: source.toWellFormed() });
    (this.#child.stdio[3] as Writable).write(`${command}\n`);
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
    this.#signal("SIGINT");
    const deadline = Date.now() + this.#graceMs;
    while (this.#running === running && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    if (this.#running === running) this.#signal("SIGKILL");
  }

  async shutdown(): Promise<void> {
    this.#signal("SIGKILL");
    await this.#swept;
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}
