import { setTimeout as delay } from "node:timers/promises";
import { canCount } from "./limits.ts";
import { type Member, Members } from "./members.ts";
import { sendSignal } from "./send-signal.ts";

const ROUNDS = 500;

/**
 * All the processes of one piece of work: the group of its first one and, where they can be found, those with
 * `MYELIN_WORK=mark` in their environment, whatever signals they ignore and whichever session they went to.
 */
export class Tree {
  readonly #leader: number;
  readonly #members: Members | undefined;

  constructor(leader: number, mark: string) {
    this.#leader = leader;
    if (canCount) this.#members = new Members(leader, `MYELIN_WORK=${mark}`);
  }

  /** Those that are alive; none are known where they cannot be counted. */
  list(): Member[] {
    return this.#members?.list() ?? [];
  }

  signal(signal: NodeJS.Signals): void {
    sendSignal(process.platform === "win32" ? this.#leader : -this.#leader, signal);
    for (const { pid } of this.list()) sendSignal(pid, signal);
  }

  /** Settles when none is left: what forks while it is killed is found the next time. */
  async killAll(): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      this.signal("SIGKILL");
      if (this.list().length === 0) return;
      await delay(10);
    }
  }
}
