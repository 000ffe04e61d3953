import { hasCode } from "../has-code.ts";

/**
 * Sends a signal to a process, or to a group by its negative id; one that is gone already is fine, and one that has
 * become somebody else's (by sudo) cannot be helped.
 */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!hasCode(error, "ESRCH") && !hasCode(error, "EPERM")) throw error;
  }
}
