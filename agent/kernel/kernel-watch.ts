import { type Breach, breachText, type Limits } from "../work/limits.ts";
import { Members } from "../work/members.ts";
import { sweep } from "../work/sweep.ts";

const LOOK_MS = 500;

/** Looks after all the processes of one kernel, whether a cell runs or not, and ends them when they use too much. */
export class KernelWatch {
  readonly #members: Members;
  readonly #limits: Pick<Limits, "memoryBytes" | "processes">;
  readonly #timer: NodeJS.Timeout;

  /** `mark` is the kernel's own, in the environment of everything it starts. */
  constructor(pid: number, mark: string, limits: Limits, onBreach: (reason: string) => void) {
    this.#members = new Members(pid, `MYELIN_WORK=${mark}`);
    this.#limits = limits;
    this.#timer = setInterval(() => {
      const breach = this.#breach();
      if (!breach) return;
      this.stop();
      onBreach(breachText(breach, limits));
      void sweep(pid, mark);
    }, LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #breach(): Breach | undefined {
    const { memoryBytes, processes } = this.#limits;
    const all = this.#members.list();
    if (processes !== null && all.length > processes) return "processes";
    const resident = all.reduce((sum, one) => sum + one.residentBytes, 0);
    return memoryBytes !== null && resident > memoryBytes ? "memory" : undefined;
  }
}
