import { setTimeout as delay } from "node:timers/promises";
import { canCount } from "./limits.ts";
import { Members } from "./members.ts";
import { sendSignal } from "./send-signal.ts";

const SWEEPS = 500;

/**
 * Kills what is left of a program that has ended: its process group and, where they can be found, the processes with
 * `MYELIN_WORK=mark` in their environment, whatever signals they ignore and whichever session they went to. Settles when
 * none is left.
 */
export async function sweep(group: number | undefined, mark: string): Promise<void> {
  if (group === undefined || process.platform === "win32") return;
  sendSignal(-group, "SIGKILL");
  if (!canCount) return;
  const members = new Members(group, `MYELIN_WORK=${mark}`);
  for (let i = 0; i < SWEEPS; i++) {
    const left = members.list();
    if (left.length === 0) return;
    for (const { pid } of left) sendSignal(pid, "SIGKILL");
    await delay(10);
  }
}
