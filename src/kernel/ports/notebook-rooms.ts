import type { Watcher } from "./run-feeds.ts";

/** An execution that came to its end, well or badly; `outputs` are nbformat's. */
export interface Executed {
  ok: true;
  status: "completed" | "error";
  outputs: Record<string, unknown>[];
  executionCount: number;
  durationMs: number;
  /** A kernel was started for it: nothing that earlier cells had defined was there. */
  kernelStarted: boolean;
}

/** Expected refusals cross Durable Object RPC as values. */
export type RoomRefusal =
  | {
      ok: false;
      reason:
        | "cell_not_found"
        | "cell_not_code"
        | "cell_busy"
        | "queue_full"
        | "running"
        | "stopping"
        | "cancelled";
    }
  | { ok: false; reason: "notebook_not_found" }
  | { ok: false; reason: "kernel"; message: string };

export type KernelStatus = "none" | "idle" | "busy" | "dead";

export interface RoomState {
  kernel: KernelStatus;
  /** The program that runs the cells, such as `ipykernel 6.17.0`; `null` where there is none, or it does not tell. */
  implementation: string | null;
  /** The cell that runs. */
  running: string | null;
  /** The cells that wait for their turn, next first. */
  queue: string[];
}

/** The room of one notebook: whoever runs its cells meets there, one execution at a time. */
export interface NotebookRoomHandle {
  /** Runs a cell when its turn comes, as long as `userId` may have it run, and answers when it has ended. */
  execute(cellId: string, timeoutMs: number, userId: string): Promise<Executed | RoomRefusal>;
  /** Queues all code cells in order; the first that fails ends it. Answers at once. */
  start(timeoutMs: number, userId: string): Promise<{ ok: true } | RoomRefusal>;
  /** Interrupts what runs and empties the queue; answers when it has stopped. `false` when nothing ran. */
  stop(): Promise<boolean>;
  /** Stops, and ends the kernel: the next cell starts a new one. */
  restart(): Promise<RoomState>;
  state(): Promise<RoomState>;
  /** Tells watchers to read the cells again. */
  changed(): Promise<void>;
  /** The notebook is gone, which was `ownerId`'s: ends everything and forgets it. */
  remove(ownerId: string): Promise<void>;
  addTicket(hash: string, expiresAt: number, watcher: Watcher): Promise<void>;
  redeemTicket(hash: string, now: number): Promise<Watcher | null>;
  /** Hands the upgrade request of an authorised watcher to the room. */
  watch(request: Request): Promise<Response>;
}

export interface NotebookRooms {
  of(notebookId: string): NotebookRoomHandle;
}
