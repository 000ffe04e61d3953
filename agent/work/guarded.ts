import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { Readable } from "node:stream";
import type { FoundOrder, Status } from "./guard.ts";
import type { Breach } from "./limits.ts";
import { removeFolder } from "../remove-folder.ts";
import { startGuard } from "./start-guard.ts";
import { Tree } from "./tree.ts";

/** Work of the agent's own children under a guard, so that nothing of it outlives the agent. */
export class Guarded {
  readonly #guard: ReturnType<typeof startGuard>;
  readonly #over: Promise<Breach | null>;

  /** To be made in the moment in which the work is started: until then nobody would end it. */
  constructor(order: FoundOrder) {
    this.#guard = startGuard(order, "ignore");
    const failed = once(this.#guard, "error").then(() => "");
    const said = Promise.race([text(this.#guard.stdio[4] as Readable), failed]);
    this.#over = said.then(async (line) => {
      const status = line === "" ? undefined : (JSON.parse(line) as Status);
      if (status && "exit" in status) return status.exit.breach;
      // Of a guard that was killed nobody has ended the work.
      await new Tree(order.leader, order.mark).killAll();
      if (order.scratch !== null) removeFolder(order.scratch);
      return null;
    });
  }

  /** Ends what is left of it. Settles when none is, and tells the limit it was ended for, if it was. */
  end(): Promise<Breach | null> {
    this.#guard.stdin!.write("stop\n");
    return this.#over;
  }
}
