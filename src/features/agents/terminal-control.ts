import { z } from "zod";

/** The WebSocket protocol of pages that want bytes in binary frames and everything else in JSON. */
export const CONTROL_PROTOCOL = "myelin.terminal";

/** How pages without a protocol of their own resize: the whole of a text frame. */
// oxlint-disable-next-line no-control-regex
export const RESIZE = /^\x1b\[8;(\d{1,4});(\d{1,4})t$/;

const Control = z.discriminatedUnion("type", [
  z.object({ type: z.literal("resize"), rows: z.number().int(), columns: z.number().int() }),
  /** Everything before `offset` has been shown. */
  z.object({ type: z.literal("ack"), offset: z.number().int().min(0) }),
  z.object({ type: z.literal("close") }),
]);

/** What a page said besides keys, or nothing where no page would say that. */
export function readControl(frame: string): z.infer<typeof Control> | undefined {
  try {
    const parsed = Control.safeParse(JSON.parse(frame));
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
