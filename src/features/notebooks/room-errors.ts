import type { JsonObject } from "../../db/schema.ts";
import type { ExecutionEnd, KernelEvent } from "../../kernel/ports/kernels.ts";

const ERRORS: Record<"interrupted" | "timeout" | "dead", [name: string, text: string]> = {
  interrupted: ["Interrupted", "The cell was interrupted."],
  timeout: ["Timeout", "The cell ran longer than it was given time for."],
  dead: ["KernelDied", "The kernel has ended."],
};

/** What a cell says that did not come to an end of its own. */
export function endError(end: Exclude<ExecutionEnd, { status: "ok" | "error" }>): KernelEvent {
  const [name, text] = ERRORS[end.status as keyof typeof ERRORS];
  const value = end.status === "dead" ? end.reason : text;
  return { type: "error", name, value, traceback: [`${name}: ${value}`] };
}

const LOST_TEXT = "The platform lost the cell while it ran.";

/** What a cell says whose room died over it. */
export const LOST: JsonObject = {
  output_type: "error",
  ename: "KernelDied",
  evalue: LOST_TEXT,
  traceback: [`KernelDied: ${LOST_TEXT}`],
};
