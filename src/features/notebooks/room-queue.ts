import type { Executed, RoomRefusal } from "../../kernel/ports/notebook-rooms.ts";

export type ExecutionAnswer = Executed | RoomRefusal;

/** A cell that waits for its turn, or has it. */
export interface Job {
  cellId: string;
  timeoutMs: number;
  /** Who has it run. */
  userId: string;
  /** Part of running all cells: its failure ends the rest. */
  ofAll: boolean;
  answer(answer: ExecutionAnswer): void;
}

const MAX_WAITING = 100;

/** The order of a notebook's executions: one at a time, first come first served. */
export class RoomQueue {
  #waiting: Job[] = [];
  running: Job | undefined;
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get cellIds(): string[] {
    return this.#waiting.map(({ cellId }) => cellId);
  }

  /** Whether all who have cells here still may; `mayRun` picks those. */
  async mayGoOn(mayRun: (userIds: string[]) => Promise<string[]>): Promise<boolean> {
    const jobs = this.running ? [this.running, ...this.#waiting] : this.#waiting;
    const userIds = [...new Set(jobs.map(({ userId }) => userId))];
    return userIds.length === 0 || (await mayRun(userIds)).length === userIds.length;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.running === undefined;
  }

  /** Whether all cells are being run. */
  get runsAll(): boolean {
    return this.running?.ofAll === true || this.#waiting.some(({ ofAll }) => ofAll);
  }

  /** Whether cells of running all still wait. */
  get moreOfAll(): boolean {
    return this.#waiting.some(({ ofAll }) => ofAll);
  }

  has(cellId: string): boolean {
    return this.running?.cellId === cellId || this.#waiting.some((job) => job.cellId === cellId);
  }

  get isFull(): boolean {
    return this.#waiting.length >= MAX_WAITING;
  }

  add(jobs: Job[]): void {
    this.#waiting.push(...jobs);
    this.#changed();
  }

  next(): Job | undefined {
    this.running = this.#waiting.shift();
    this.#changed();
    return this.running;
  }

  /** Takes those out that `picked` picks, and tells who waits for them. */
  cancel(picked: (job: Job) => boolean): boolean {
    const cancelled = this.#waiting.filter(picked);
    this.#waiting = this.#waiting.filter((job) => !picked(job));
    for (const job of cancelled) job.answer({ ok: false, reason: "cancelled" });
    if (cancelled.length > 0) this.#changed();
    return cancelled.length > 0;
  }
}
