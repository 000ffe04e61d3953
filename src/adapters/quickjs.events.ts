import type { KernelEvent, MimeBundle } from "../kernel/ports/kernels.ts";

/** What the sandbox tells its host: the events of a cell, that the cell is over, or when its next timer is due. */
export type SandboxMessage =
  | { kind: "event"; event: KernelEvent }
  | { kind: "settled"; ok: boolean }
  | { kind: "timer"; next: number | null };

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function bundleOf(data: unknown): MimeBundle | undefined {
  return isRecord(data) ? data : undefined;
}

/** Reads a message; `undefined` for what no honest prelude says. A cell can bend the prelude, and fool only itself. */
export function readMessage(text: string): SandboxMessage | undefined {
  const message: unknown = JSON.parse(text);
  if (!isRecord(message)) return undefined;
  const { type, name, value, text: said, traceback, ok, next } = message;
  const data = bundleOf(message["data"]);
  if (type === "stream" && (name === "stdout" || name === "stderr") && typeof said === "string")
    return { kind: "event", event: { type, name, text: said } };
  if ((type === "display" || type === "result") && data) return { kind: "event", event: { type, data } };
  if (type === "error" && typeof name === "string" && typeof value === "string" && Array.isArray(traceback))
    return { kind: "event", event: { type, name, value, traceback: traceback.map(String) } };
  if (type === "settled") return { kind: "settled", ok: ok === true };
  if (type === "timer") return { kind: "timer", next: typeof next === "number" ? next : null };
  return undefined;
}
