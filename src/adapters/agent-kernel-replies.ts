import { z } from "zod";
import type { ExecutionEnd, KernelEvent } from "../kernel/ports/kernels.ts";

// By what names is the cell's to say: what a notebook cannot hold is left out there, and no fault of the agent's.
const Bundle = z.record(z.string(), z.unknown());
const Metadata = z.record(z.string(), z.unknown()).optional();

/** What an agent may say while a cell runs. */
export const Said: z.ZodType<KernelEvent> = z.discriminatedUnion("type", [
  z.object({ type: z.literal("stream"), name: z.enum(["stdout", "stderr"]), text: z.string() }),
  z.object({ type: z.literal("display"), data: Bundle, metadata: Metadata }),
  z.object({ type: z.literal("result"), data: Bundle, metadata: Metadata }),
  z.object({
    type: z.literal("error"),
    name: z.string(),
    value: z.string(),
    traceback: z.array(z.string()),
  }),
]) as z.ZodType<KernelEvent>;

/** How it may say that a cell ended. */
export const Ended: z.ZodType<ExecutionEnd> = z.union([
  z.object({ status: z.enum(["ok", "error", "interrupted", "timeout"]) }),
  z.object({ status: z.literal("dead"), reason: z.string().max(4000) }),
]);

/** What it may say of a kernel it was asked for or to start. */
export const Found = z.object({
  alive: z.boolean().optional(),
  implementation: z.string().max(200).nullish(),
});
