import { setTimeout as delay } from "node:timers/promises";
import { type Breach, breachText, type Limits } from "../work/limits.ts";
import { Members } from "../work/members.ts";
import { sendSignal } from "../work/send-signal.ts";

const LOOK_MS = 500;
const SWEEPS = 500;

/** Looks after all the processes of one kernel: ends it when they use too much, and all of them with it. */
export class KernelWatch {
  readonly #members: Members;
  readonly #limits: Pick<Limits, "memoryBytes" | "processes">;
  readonly #timer: NodeJS.Timeout;

  /** `mark` stands in the environment of everything the kernel starts. */
  constructor(pid: number, mark: string, limits: Limits, onBreach: (reason: string) => void) {
    this.#members = new Members(pid, mark);
    this.#limits = limits;
    this.#timer = setInterval(() => {
      const breach = this.#breach();
      if (!breach) return;
      onBreach(breachText(breach, limits));
      void this.end();
    }, LOOK_MS);
  }

  /** Kills whatever is left, however far it has moved away from the kernel. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    // What forks while it is killed is found the next time.
    for (let sweep = 0; sweep < SWEEPS; sweep++) {
      const left = this.#members.list();
      if (left.length === 0) return;
      for (const { pid } of left) sendSignal(pid, "SIGKILL");
      await delay(10);
    }
  }

  #breach(): Breach | undefined {
    const { memoryBytes, processes } = this.#limits;
    const all = this.#members.list();
    if (processes !== null && all.length > processes) return "processes";
    const resident = all.reduce((sum, one) => sum + one.residentBytes, 0);
    return memoryBytes !== null && resident > memoryBytes ? "memory" : undefined;
  }
}
