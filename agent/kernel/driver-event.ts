import type { KernelEvent } from "../../src/kernel/ports/kernels.ts";

/** What the driver says: that it is there, what a cell says, or that the cell with that id is over. */
export type DriverEvent =
  | { kind: "ready" }
  | { kind: "said"; id: string; event: KernelEvent }
  | { kind: "done"; id: string; status: "ok" | "error" | "interrupted" };

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Platforms have taken a longer name of a form for a lie. */
const MAX_NAME = 200;

const fit = (data: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(data).filter(([name]) => name.length <= MAX_NAME));

function eventOf(line: Record<string, unknown>): KernelEvent | undefined {
  const { type, name, text, data, value, traceback } = line;
  if (type === "stream" && (name === "stdout" || name === "stderr") && typeof text === "string")
    return { type, name, text };
  if ((type === "display" || type === "result") && isObject(data))
    return { type, data: fit(data), metadata: isObject(line["metadata"]) ? line["metadata"] : {} };
  if (type === "error" && typeof name === "string" && typeof value === "string" && Array.isArray(traceback))
    return { type, name, value, traceback: traceback.map(String) };
  return undefined;
}

/** Reads one line; `undefined` for what no honest driver says. */
export function readDriverEvent(line: unknown): DriverEvent | undefined {
  if (!isObject(line)) return undefined;
  const { id, type, status } = line;
  if (type === "ready") return { kind: "ready" };
  if (typeof id !== "string") return undefined;
  if (type === "done" && (status === "ok" || status === "error" || status === "interrupted"))
    return { kind: "done", id, status };
  const event = eventOf(line);
  return event && { kind: "said", id, event };
}
