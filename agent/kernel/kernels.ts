import { spawnSync } from "node:child_process";
import { chownSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Work } from "../../src/kernel/agent-protocol.ts";
import type { ExecutionEnd, KernelEvent } from "../../src/kernel/ports/kernels.ts";
import { type CommandHandler, CommandRefused, type Emit } from "../link/commands.ts";
import type { JobUser } from "../work/environment.ts";
import { canCount, type Limits } from "../work/limits.ts";
import { KernelWatch } from "./kernel-watch.ts";
import { PythonKernel } from "./python-kernel.ts";

interface Live {
  kernel: PythonKernel;
  watch: KernelWatch | undefined;
  since: string;
  /** Runs out when no cell has run for long: nobody may know of the kernel any more. */
  idle: NodeJS.Timeout;
}

export interface KernelsSettings {
  /** Where each notebook has its folder; it goes with the kernel. */
  directory: string;
  user: JobUser | undefined;
  limits: Limits;
  isDraining(): boolean;
  log(text: string): void;
}

const MAX_LIVE = 20;
const IDLE_MS = 24 * 3_600_000;
const PYTHON = "python3";

/** Whether there is a Python here to run cells with. */
export const hasPython = (): boolean =>
  process.platform !== "win32" && spawnSync(PYTHON, ["-c", "import ast, json"]).status === 0;

/** The notebooks' interpreters on this machine, one for each notebook. */
export class NotebookKernels {
  readonly #settings: KernelsSettings;
  readonly #live = new Map<string, Live>();

  constructor(settings: KernelsSettings) {
    this.#settings = settings;
  }

  work(): Work[] {
    return [...this.#live].map(([id, { since }]) => ({ kind: "notebook", id, since }));
  }

  readonly commands: Record<string, CommandHandler> = {
    "kernel.find": async (args) => ({ alive: this.#find(args) !== undefined }),
    "kernel.start": async (args) => this.#start((args as { notebook: string }).notebook),
    "kernel.execute": (args, signal, emit) => this.#execute(args as ExecuteArgs, signal, emit),
    "kernel.interrupt": async (args) => this.#find(args)?.interrupt(),
    "kernel.shutdown": async (args) => this.#end((args as { notebook: string }).notebook),
  };

  /** Ends them all. */
  async close(): Promise<void> {
    await Promise.all([...this.#live.keys()].map((notebook) => this.#end(notebook)));
  }

  #start(notebook: string): null {
    if (this.#find({ notebook })) return null;
    if (this.#settings.isDraining()) throw new CommandRefused("AGENT_DRAINING", "The agent is draining.");
    if (this.#live.size >= MAX_LIVE)
      throw new CommandRefused("KERNELS_FULL", `The agent runs ${MAX_LIVE} notebooks, as many as it may.`);
    const { user, log } = this.#settings;
    const directory = this.#folderOf(notebook);
    mkdirSync(directory, { recursive: true });
    if (user) chownSync(directory, user.uid, user.gid);
    const kernel = new PythonKernel({ python: PYTHON, directory, user });
    const { pid, mark } = kernel;
    const watch = canCount && pid !== undefined ? this.#watch(notebook, pid, mark) : undefined;
    const idle = setTimeout(() => void this.#end(notebook), IDLE_MS).unref();
    this.#live.set(notebook, { kernel, watch, since: new Date().toISOString(), idle });
    log(`notebook ${notebook}: kernel started`);
    return null;
  }

  #watch(notebook: string, pid: number, mark: string): KernelWatch {
    const { limits, log } = this.#settings;
    return new KernelWatch(pid, mark, limits, (reason) => log(`notebook ${notebook}: ${reason}`));
  }

  async #execute(
    { notebook, cell, source, timeout_ms: timeoutMs }: ExecuteArgs,
    signal: AbortSignal,
    emit: Emit,
  ): Promise<ExecutionEnd> {
    const kernel = this.#find({ notebook });
    if (!kernel) return { status: "dead", reason: "The kernel has ended." };
    signal.addEventListener("abort", () => void kernel.interrupt());
    let said: Promise<void> = Promise.resolve();
    const say = (event: KernelEvent) => (said = said.then(() => emit(event)));
    const end = await kernel.execute({ cellId: cell, source, timeoutMs }, (event) => void say(event));
    await said;
    this.#live.get(notebook)?.idle.refresh();
    if (end.status === "dead") await this.#end(notebook);
    return end;
  }

  #find(args: unknown): PythonKernel | undefined {
    const { notebook } = args as { notebook: string };
    const live = this.#live.get(notebook);
    if (live?.kernel.alive) return live.kernel;
    clearTimeout(live?.idle);
    live?.watch?.stop();
    this.#live.delete(notebook);
    return undefined;
  }

  async #end(notebook: string): Promise<void> {
    const live = this.#live.get(notebook);
    if (!live) return;
    clearTimeout(live.idle);
    live.watch?.stop();
    this.#live.delete(notebook);
    await live.kernel.shutdown();
    rmSync(this.#folderOf(notebook), { recursive: true, force: true });
    this.#settings.log(`notebook ${notebook}: kernel ended`);
  }

  #folderOf(notebook: string): string {
    // The id comes from outside, and is a path here.
    if (!/^[0-9a-f-]{36}$/.test(notebook))
      throw new CommandRefused("NOTEBOOK_INVALID", "That is no notebook's id.");
    return join(this.#settings.directory, "notebooks", notebook);
  }
}

interface ExecuteArgs {
  notebook: string;
  cell: string;
  source: string;
  timeout_ms: number;
}
