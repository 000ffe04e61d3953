import type { PredictReply, Tensor } from "../../kernel/ports/model-pools.ts";
import { BatchWindow } from "../../kernel/batch-window.ts";
import { joinKey, joinRows, splitRows } from "./tensor-rows.ts";

/** One call on its way into the model. */
export interface Call {
  inputs: Record<string, Tensor>;
  /** Rows it brings; `undefined` when it cannot share a run. */
  rows: number | undefined;
  /** Most rows a run that holds this call may have. */
  maxRows: number;
  /** When its time is up, in the clock's milliseconds. */
  deadline: number;
}

export interface BatcherHost {
  now(): number;
  /** Does something as soon as everything already waiting had its turn. */
  soon(work: () => void): void;
  run(inputs: Record<string, Tensor>): Promise<PredictReply>;
}

interface Waiting extends Call {
  settle(reply: PredictReply): void;
  fail(error: unknown): void;
}

const TOO_LATE: PredictReply = { ok: false, reason: "timeout", message: "The call ran out of time." };

/** Cuts the waiting calls into runs: neighbours of one kind together, as long as all of them allow that many rows. */
export function planRuns<C extends Call>(calls: C[]): C[][] {
  if (calls.length < 2) return calls.map((call) => [call]);
  const runs: C[][] = [];
  const open = new Map<string, { run: C[]; rows: number; maxRows: number }>();
  for (const call of calls) {
    if (call.rows === undefined) {
      runs.push([call]);
      continue;
    }
    const key = joinKey(call.inputs);
    const last = open.get(key);
    if (last && last.rows + call.rows <= Math.min(last.maxRows, call.maxRows)) {
      last.run.push(call);
      last.rows += call.rows;
      last.maxRows = Math.min(last.maxRows, call.maxRows);
    } else {
      const run = [call];
      runs.push(run);
      open.set(key, { run, rows: call.rows, maxRows: call.maxRows });
    }
  }
  return runs;
}

/**
 * Lets calls that arrive together share one run. The window is one turn of the event loop, and only where calls do come
 * together; while a run blocks the thread the next calls gather by themselves.
 */
export class Batcher {
  readonly #host: BatcherHost;
  readonly #window: Pick<BatchWindow, "waits" | "gathered">;
  #waiting: Waiting[] = [];
  #isBusy = false;
  #canJoin = true;

  constructor(host: BatcherHost, window: Pick<BatchWindow, "waits" | "gathered"> = new BatchWindow()) {
    this.#host = host;
    this.#window = window;
  }

  submit(call: Call): Promise<PredictReply> {
    return new Promise((settle, fail) => {
      this.#waiting.push({ ...call, settle, fail });
      this.#wake();
    });
  }

  #wake(): void {
    if (this.#isBusy || this.#waiting.length === 0) return;
    this.#isBusy = true;
    if (!this.#window.waits()) return void this.#work();
    this.#host.soon(() => {
      this.#window.gathered(this.#waiting.length);
      void this.#work();
    });
  }

  async #work(): Promise<void> {
    const calls = this.#waiting;
    this.#waiting = [];
    for (const run of this.#canJoin ? planRuns(calls) : calls.map((call) => [call])) {
      if (run.length > 1) await this.#together(run);
      else await this.#alone(run[0]!);
    }
    this.#isBusy = false;
    this.#wake();
  }

  async #together(run: Waiting[]): Promise<void> {
    const calls = run.filter((call) => !this.#isTooLate(call));
    const shares = calls.length > 1 ? await this.#share(calls) : undefined;
    if (!shares) {
      // One of them may be what the model cannot digest: alone, it fails alone.
      for (const call of calls) await this.#alone(call);
      return;
    }
    calls.forEach((call, i) => this.#isTooLate(call) || call.settle(shares[i]!));
  }

  /** Runs calls as one; `undefined` when they have to be run one by one. */
  async #share(calls: Waiting[]): Promise<PredictReply[] | undefined> {
    try {
      const reply = await this.#host.run(joinRows(calls.map(({ inputs }) => inputs)));
      if (!reply.ok) return reply.reason === "failed" ? undefined : calls.map(() => reply);
      const shares = splitRows(
        reply.outputs,
        calls.map(({ rows }) => rows!),
      );
      // The model's shapes promise rows, its answers are something else: never again.
      if (!shares) this.#canJoin = false;
      return shares?.map((outputs) => ({ ...reply, outputs }));
    } catch {
      // What it was comes up again when they run alone, and is then told to whom it belongs.
      return undefined;
    }
  }

  async #alone(call: Waiting): Promise<void> {
    if (this.#isTooLate(call)) return;
    try {
      const reply = await this.#host.run(call.inputs);
      if (this.#isTooLate(call)) return;
      call.settle(reply);
    } catch (error) {
      call.fail(error);
    }
  }

  #isTooLate(call: Waiting): boolean {
    if (this.#host.now() <= call.deadline) return false;
    call.settle(TOO_LATE);
    return true;
  }
}
