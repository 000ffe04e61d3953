import type {
  Execution,
  ExecutionEnd,
  Kernel,
  KernelEvent,
  Kernels,
  KernelStart,
} from "../kernel/ports/kernels.ts";
import { activity } from "../kernel/activity.ts";
import { readMessage } from "./quickjs.events.ts";
import { HookFailed, Interpreter } from "./quickjs.interpreter.ts";
import { repeatable } from "./quickjs.source.ts";

// All objects of an isolate share its one thread: a cell runs for so long, then lets others for so long, who need it
// for about that long at a time. Where nobody has asked for anything lately, it only lets them in.
const SLICE_MS = 1;
const REST_MS = 2;
const LATELY_MS = 2_000;
/** About a slice, where the clock stands still while code runs (hosted Workers). */
const STEPS_PER_SLICE = 240_000;
/** Native steps, such as writing a number of 70,000 digits, cannot be cut up; a cell that makes many is ended. */
const MAX_STALL_MS = 2_000;
/** Each holds up to 32 MB. */
const MAX_LIVE = 8;

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

type Stop = "interrupted" | "timeout" | "dead" | "stalled";

/** A JavaScript kernel in QuickJS: its memory, stack and time are bounded, and it reaches nothing outside. */
class QuickJsKernel implements Kernel {
  readonly #interpreter: Promise<Interpreter>;
  readonly implementation = "quickjs";
  alive = true;
  busy = false;
  usedAt = Date.now();
  #runs = 0;
  #stop: Stop | undefined;
  #deadline = 0;
  #steps = 0;
  #sliceStart = 0;
  #emit: (event: KernelEvent) => void = () => undefined;
  #settled: boolean | undefined;
  #saidError = false;
  #outOfMemory = false;
  #nextTimer: number | null = null;
  #wake: () => void = () => undefined;

  constructor() {
    this.#interpreter = Interpreter.create({
      poll: (steps) => this.#poll(steps),
      receive: (text) => this.#receive(text),
    });
  }

  async execute({ source, timeoutMs }: Execution, emit: (event: KernelEvent) => void): Promise<ExecutionEnd> {
    if (!this.alive) return { status: "dead", reason: "The kernel has ended." };
    this.busy = true;
    this.#emit = emit;
    this.#stop = this.#settled = undefined;
    this.#saidError = this.#outOfMemory = false;
    this.#deadline = Date.now() + timeoutMs;
    try {
      await this.#run(source);
    } catch (error) {
      this.#blame(error);
    } finally {
      this.#emit = () => undefined;
      this.busy = false;
      this.usedAt = Date.now();
    }
    return this.#end();
  }

  async #run(source: string): Promise<void> {
    const interpreter = await this.#interpreter;
    this.#startSlice();
    await interpreter.begin(repeatable(source), `<cell ${++this.#runs}>`);
    while (this.#settled === undefined && !this.#isStopped()) {
      if (await interpreter.turn()) continue;
      await interpreter.tick();
      if (this.#settled === undefined && !(await interpreter.turn())) await this.#untilTimer();
    }
  }

  /** Nothing to run: waits for the next timer, the deadline, or somebody's interrupt. */
  async #untilTimer(): Promise<void> {
    const until = Math.min(this.#nextTimer ?? Infinity, this.#deadline);
    if (until > Date.now()) {
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      await Promise.race([wait(until - Date.now()), woken]);
    }
    this.#startSlice();
  }

  /** What cannot be undone inside the interpreter ends it: a trap, and memory that is full. */
  #blame(error: unknown): void {
    if (error instanceof HookFailed) {
      // An interrupt between two hooks; otherwise there was no memory left even to say what is wrong.
      if (!this.#isStopped()) this.#outOfMemory = true;
      return;
    }
    if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
      this.alive = false;
      this.#deathReason =
        "The cell went deeper than the kernel's stack; the kernel has ended with all it held.";
      return;
    }
    this.alive = false;
    throw error;
  }

  #deathReason: string | undefined;

  #end(): ExecutionEnd {
    if (this.#outOfMemory) {
      this.alive = false;
      this.#deathReason ??= "The kernel's memory was full (26 MB); it has ended with all it held.";
    }
    if (!this.alive) return { status: "dead", reason: this.#deathReason ?? "The kernel was ended." };
    if (this.#stop === "interrupted" || this.#stop === "timeout") return { status: this.#stop };
    return { status: this.#settled && !this.#saidError ? "ok" : "error" };
  }

  #receive(text: string): void {
    const message = readMessage(text);
    if (!message) return;
    if (message.kind === "settled") this.#settled = message.ok;
    else if (message.kind === "timer") this.#nextTimer = message.next;
    else this.#pass(message.event);
  }

  #pass(event: KernelEvent): void {
    if (event.type === "error") {
      // What the interpreter throws to stop a cell is told by how the execution ends.
      if (this.#stop !== undefined) return;
      this.#saidError = true;
      if (event.name === "InternalError" && event.value === "out of memory") this.#outOfMemory = true;
    }
    this.#emit(event);
  }

  #startSlice(): void {
    this.#steps = 0;
    this.#sliceStart = Date.now();
  }

  #isStopped(): boolean {
    if (this.#stop === undefined && Date.now() >= this.#deadline) this.#stop = "timeout";
    return this.#stop !== undefined;
  }

  #poll(steps: number): number | Promise<number> {
    this.#mindStall(Date.now() - this.#sliceStart);
    if (this.#isStopped()) return 1;
    this.#steps += steps;
    if (this.#steps < STEPS_PER_SLICE && Date.now() - this.#sliceStart < SLICE_MS) return 0;
    return this.#rest();
  }

  #mindStall(ms: number): void {
    if (ms < MAX_STALL_MS || this.#stop !== undefined) return;
    this.#stop = "stalled";
    const value = `One step of the cell held everybody up for ${ms} ms; the cell was ended.`;
    this.#emit({ type: "error", name: "Stalled", value, traceback: [`Stalled: ${value}`] });
  }

  async #rest(): Promise<number> {
    await wait(Date.now() - activity.askedAt < LATELY_MS ? REST_MS * busyKernels() : 0);
    this.#startSlice();
    return this.#isStopped() ? 1 : 0;
  }

  async interrupt(): Promise<void> {
    if (!this.busy) return;
    this.#stop ??= "interrupted";
    this.#wake();
  }

  async shutdown(): Promise<void> {
    this.alive = false;
    this.#deathReason ??= "The kernel was ended.";
    this.#stop = "dead";
    this.#wake();
  }
}

/**
 * Kernels of this isolate, by notebook. Here and not with whoever uses them, since an object that lies idle is put away
 * after seconds, and what cells have left behind is to outlast that.
 */
const live = new Map<string, QuickJsKernel>();

/** Several that run share what one alone would get. */
const busyKernels = (): number => [...live.values()].filter(({ busy }) => busy).length;

function makeRoom(): boolean {
  for (const [id, kernel] of live) if (!kernel.alive) live.delete(id);
  if (live.size < MAX_LIVE) return true;
  const idle = [...live].filter(([, { busy }]) => !busy).sort(([, a], [, b]) => a.usedAt - b.usedAt);
  const [oldest] = idle;
  if (!oldest) return false;
  void oldest[1].shutdown();
  live.delete(oldest[0]);
  return true;
}

/** JavaScript kernels inside the Worker: always there, no agent needed. The one used longest ago makes room for a new one. */
export const quickJsKernels: Kernels = {
  find: async ({ notebookId }) => {
    const kernel = live.get(notebookId);
    return kernel?.alive ? kernel : undefined;
  },
  async start({ notebookId }): Promise<KernelStart> {
    await live.get(notebookId)?.shutdown();
    live.delete(notebookId);
    if (!makeRoom()) return { ok: false, reason: "All kernels are running cells now; try again soon." };
    const kernel = new QuickJsKernel();
    live.set(notebookId, kernel);
    return { ok: true, kernel };
  },
  async end({ notebookId }) {
    await live.get(notebookId)?.shutdown();
  },
};
