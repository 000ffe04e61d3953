/** What runs the cells of a notebook, and where: in the Worker, or on an agent's machine. */
export const KERNEL_NAMES = ["javascript", "python"] as const;
export type KernelName = (typeof KERNEL_NAMES)[number];

/** A value in one or more forms by media type: texts as they are, images in base64, JSON as values. */
export type MimeBundle = Record<string, unknown>;

/** What a cell says while it runs, in nbformat's terms. */
export type KernelEvent =
  | { type: "stream"; name: "stdout" | "stderr"; text: string }
  | { type: "display"; data: MimeBundle; metadata?: Record<string, unknown> }
  | { type: "result"; data: MimeBundle; metadata?: Record<string, unknown> }
  | { type: "error"; name: string; value: string; traceback: string[] };

/**
 * How an execution ended. `error` has said what went wrong as an event before; `dead` means that the kernel is gone with
 * all it held, and `reason` is for people.
 */
export type ExecutionEnd =
  | { status: "ok" | "error" | "interrupted" | "timeout" }
  | { status: "dead"; reason: string };

export interface Execution {
  cellId: string;
  source: string;
  /** Of the clock on the wall; a kernel that is over it is interrupted, and one that ignores that is killed. */
  timeoutMs: number;
}

/** One persistent interpreter. It runs one cell at a time; whoever holds it queues. */
export interface Kernel {
  /** Runs a cell to its end. Never throws for what the cell does; events come in order and none after the end. */
  execute(execution: Execution, emit: (event: KernelEvent) => void): Promise<ExecutionEnd>;
  /** Ends the cell that runs, if one does; a kernel that will not listen ends itself. */
  interrupt(): Promise<void>;
  /** Ends the kernel with all it holds; a cell that runs ends as `dead`. */
  shutdown(): Promise<void>;
  /** Whether it still holds what cells have left in it. */
  readonly alive: boolean;
  /** The program that runs the cells, for people; `null` where that is not known. */
  readonly implementation: string | null;
}

export type KernelStart = { ok: true; kernel: Kernel } | { ok: false; reason: string };

export interface KernelWish {
  name: KernelName;
  notebookId: string;
  ownerId: string;
  /** Counts the notebook's kernels that are over for it: one of an earlier life is never found again, but ended. */
  life: number;
}

/** Starts kernels. A restart is a shutdown and a new start. */
export interface Kernels {
  /** The notebook's kernel with what its cells have left in it; nothing when there is none or it is gone. */
  find(wish: KernelWish): Promise<Kernel | undefined>;
  /** `asking` hears of each place that may come to hold the kernel, before it is asked to. */
  start(wish: KernelWish, asking: (place: string) => void): Promise<KernelStart>;
  /** Ends the kernel wherever `start` may have left it; a place that cannot be reached now is told when it can be. */
  end(wish: KernelWish, places: string[]): Promise<void>;
}
