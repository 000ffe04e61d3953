import { hasCode } from "../has-code.ts";

/** Sends a signal to a process, or to a group by its negative id; one that is gone already is fine. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!hasCode(error, "ESRCH")) throw error;
  }
}
