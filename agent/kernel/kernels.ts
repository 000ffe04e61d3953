import { spawnSync } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import type { Work } from "../../src/kernel/agent-protocol.ts";
import type { ExecutionEnd, KernelEvent } from "../../src/kernel/ports/kernels.ts";
import { type CommandHandler, CommandRefused, type Emit } from "../link/commands.ts";
import { removeFolder } from "../remove-folder.ts";
import type { JobUser } from "../work/environment.ts";
import type { Limits } from "../work/limits.ts";
import { type Interpreter, plain, type Probed, probe } from "./interpreter.ts";
import { PythonKernel } from "./python-kernel.ts";

interface Live {
  kernel: PythonKernel;
  interpreter: Interpreter;
  life: number;
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
  readonly #folder: string;
  readonly #live = new Map<string, Live>();
  #interpreter: Promise<Interpreter>;
  #isCleared = false;

  constructor(settings: KernelsSettings) {
    this.#settings = settings;
    this.#folder = join(settings.directory, "notebooks");
    const lost = (error: unknown): Probed => ({ ...plain(PYTHON, ""), trouble: String(error) });
    this.#interpreter = probe(PYTHON, settings.user)
      .catch(lost)
      .then((found) => this.#choose(found));
  }

  /** Takes away what a predecessor has left; to be called once it is certain that its kernels are gone with it. */
  clearOld(): void {
    if (this.#isCleared) return;
    this.#isCleared = true;
    this.#remove(this.#folder);
  }

  work(): Work[] {
    return [...this.#live].map(([id, { since }]) => ({ kind: "notebook", id, since }));
  }

  readonly commands: Record<string, CommandHandler> = {
    "kernel.find": async (args) => this.#describe(args as Which),
    "kernel.start": async (args) => this.#start(args as Which),
    "kernel.execute": (args, signal, emit) => this.#execute(args as ExecuteArgs, signal, emit),
    "kernel.interrupt": async (args) => this.#find(args as Which)?.kernel.interrupt(),
    "kernel.shutdown": async (args) => this.#find(args as Which)?.kernel.shutdown(),
  };

  /** Ends them all. */
  async close(): Promise<void> {
    await Promise.all([...this.#live.values()].map(({ kernel }) => kernel.shutdown()));
  }

  #choose({ trouble, ...found }: Probed): Interpreter {
    if (trouble !== null) this.#warn(`Jupyter's kernel cannot be used here (${trouble})`);
    return found;
  }

  #warn(what: string): void {
    this.#settings.log(`${what}; Python cells run on plain ${PYTHON}`);
  }

  #describe(which: Which): { alive: boolean; implementation: string | null } {
    const live = this.#find(which);
    return { alive: live !== undefined, implementation: live?.interpreter.implementation ?? null };
  }

  async #start(which: Which): Promise<{ implementation: string }> {
    const interpreter = await this.#interpreter;
    const live = this.#find(which) ?? this.#open(which, interpreter);
    return { implementation: live.interpreter.implementation };
  }

  #open({ notebook, life = 0 }: Which, interpreter: Interpreter): Live {
    if (this.#settings.isDraining()) throw new CommandRefused("AGENT_DRAINING", "The agent is draining.");
    if (this.#live.size >= MAX_LIVE)
      throw new CommandRefused("KERNELS_FULL", `The agent runs ${MAX_LIVE} notebooks, as many as it may.`);
    const { user, limits } = this.#settings;
    const directory = this.#makeFolder(notebook);
    const kernel = new PythonKernel({ ...interpreter, directory, user, limits });
    const idle = setTimeout(() => void kernel.shutdown(), IDLE_MS).unref();
    const live = { kernel, interpreter, life, since: new Date().toISOString(), idle };
    this.#live.set(notebook, live);
    void kernel.ended.then((how) => this.#forget(notebook, live, directory, how));
    this.#settings.log(`notebook ${notebook}: kernel started (${interpreter.implementation})`);
    return live;
  }

  #forget(notebook: string, live: Live, directory: string, how: string): void {
    clearTimeout(live.idle);
    if (this.#live.get(notebook) === live) this.#live.delete(notebook);
    this.#remove(directory);
    this.#settings.log(`notebook ${notebook}: kernel ended: ${how}`);
  }

  #remove(folder: string): void {
    const trouble = removeFolder(folder);
    if (trouble !== null) this.#settings.log(trouble);
  }

  async #execute(args: ExecuteArgs, signal: AbortSignal, emit: Emit): Promise<ExecutionEnd> {
    const live = this.#find(args);
    if (!live) return { status: "dead", reason: "The kernel has ended." };
    const end = await this.#run(live.kernel, args, signal, emit);
    live.idle.refresh();
    if (end.status !== "dead" || live.interpreter.driver === "plain" || !live.kernel.hasFailedToStart)
      return end;
    // It came to nothing before the cell was begun: what can be imported may still be broken.
    this.#warn(`Jupyter's kernel does not start here (${end.reason})`);
    const instead = plain(live.interpreter.python, "");
    this.#interpreter = Promise.resolve(instead);
    return this.#run(this.#open(args, instead).kernel, args, signal, emit);
  }

  async #run(
    kernel: PythonKernel,
    { cell, source, timeout_ms: timeoutMs }: ExecuteArgs,
    signal: AbortSignal,
    emit: Emit,
  ): Promise<ExecutionEnd> {
    signal.addEventListener("abort", () => void kernel.interrupt());
    let said: Promise<void> = Promise.resolve();
    const say = (event: KernelEvent) => (said = said.then(() => emit(event)));
    const end = await kernel.execute({ cellId: cell, source, timeoutMs }, (event) => void say(event));
    await said;
    return end;
  }

  /** The platform may have given up a kernel when it could not say so: one of an earlier life is ended now. */
  #find({ notebook, life = 0 }: Which): Live | undefined {
    const live = this.#live.get(notebook);
    if (live && live.life < life) void live.kernel.shutdown();
    return live?.kernel.alive && live.life === life ? live : undefined;
  }

  /** One of its own for each kernel: it goes with the kernel, while the notebook's next may be there already. */
  #makeFolder(notebook: string): string {
    // The id comes from outside, and is a path here.
    if (!/^[0-9a-f-]{36}$/.test(notebook))
      throw new CommandRefused("NOTEBOOK_INVALID", "That is no notebook's id.");
    mkdirSync(this.#folder, { recursive: true });
    const folder = mkdtempSync(join(this.#folder, `${notebook}-`));
    const { user } = this.#settings;
    if (user) chownSync(folder, user.uid, user.gid);
    return folder;
  }
}

interface Which {
  notebook: string;
  /** Which of the notebook's kernels is meant, by how many it had before. */
  life?: number;
}

interface ExecuteArgs extends Which {
  cell: string;
  source: string;
  timeout_ms: number;
}
