import { z } from "#http/contract";
import type { RoomState } from "../../kernel/ports/notebook-rooms.ts";
import { Output } from "./notebooks.schema.ts";

/** Of a cell, where nobody says otherwise. */
export const CELL_TIMEOUT_MS = 60_000;

const TimeoutMs = z
  .number()
  .int()
  .min(100)
  .max(600_000)
  .openapi({ description: `Of the clock on the wall, for each cell; ${CELL_TIMEOUT_MS} where absent.` });

export const Execute = z.object({ timeout_ms: TimeoutMs.default(CELL_TIMEOUT_MS) }).openapi("ExecuteCell");

/** The body may be absent. */
export const StartNotebook = z.object({ timeout_ms: TimeoutMs.optional() }).openapi("StartNotebook");

export const ExecuteReply = z
  .object({
    cell_id: z.string(),
    outputs: z.array(Output),
    execution_count: z.number().int(),
    status: z.enum(["completed", "error"]),
    duration_ms: z.number().int(),
    kernel_started: z
      .boolean()
      .openapi({ description: "A new kernel ran it: nothing earlier cells had defined was there." }),
  })
  .openapi("ExecuteReply");
export type ExecuteReply = z.infer<typeof ExecuteReply>;

export const KernelState = z
  .object({
    kernel: z.enum(["none", "idle", "busy", "dead"]).openapi({
      description:
        "`dead` was there and is gone with what cells had defined; the next cell starts a new one.",
    }),
    implementation: z.string().nullable().openapi({
      description:
        "What runs the cells, `ipykernel 6.17.0`, `plain python 3.11.2` or `quickjs`; null when nothing does.",
    }),
    running: z.string().nullable().openapi({ description: "The cell that runs." }),
    queue: z.array(z.string()).openapi({ description: "Cells that wait, next first." }),
  })
  .openapi("KernelState") satisfies z.ZodType<RoomState>;
