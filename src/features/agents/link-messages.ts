import { z } from "zod";
import { type FromAgent, MAX_FRAME_BYTES } from "../../kernel/agent-protocol.ts";

const MAX_SAMPLE_CHARACTERS = 64_000;

const text = (max: number) => z.string().max(max);
const name = text(200).min(1);
const at = z.iso.datetime({ offset: true });

const gpu = z.object({
  name: text(200),
  vendor: text(100).nullable(),
  memory_bytes: z.number().nullable(),
  driver: text(100).nullable(),
});
const host = z.object({
  hostname: text(300),
  platform: text(50),
  arch: text(50),
  cpus: z.number().int().min(0),
  memory_bytes: z.number().min(0),
  gpus: z.array(gpu).max(64),
  os: text(200).nullish(),
  shell: text(300).nullish(),
  no_shell: text(1000).nullish(),
  cpu_model: text(200).nullish(),
  physical_cpus: z.number().int().min(0).nullish(),
  limits: z
    .object({ cpus: z.number().min(0).nullable(), memory_bytes: z.number().min(0).nullable() })
    .optional(),
});
const work = z.object({
  kind: z.enum(["run", "notebook", "terminal", "benchmark"]),
  id: name,
  since: at,
});
const reply = z.discriminatedUnion("ok", [
  z.object({ ok: z.literal(true), value: z.unknown() }),
  z.object({ ok: z.literal(false), code: text(100), message: text(4000) }),
]);

const Message = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("hello"),
    instance: z.uuid(),
    version: text(50).min(1),
    capabilities: z.array(text(100).min(1)).max(50),
    labels: z.array(text(100).min(1)).max(50),
    host,
    now: at,
  }),
  z.object({
    type: z.literal("beat"),
    state: z.enum(["running", "draining"]),
    work: z.array(work).max(1000),
    // Each is kept in its own slot for a day.
    sample: z
      .unknown()
      .optional()
      .refine((sample) => sample === undefined || JSON.stringify(sample).length <= MAX_SAMPLE_CHARACTERS),
  }),
  z.object({ type: z.literal("ack"), id: name }),
  z.object({ type: z.literal("result"), id: name, reply }),
  z.object({ type: z.literal("event"), seq: z.number().int().min(1), topic: name, data: z.unknown() }),
  z.object({
    type: z.literal("log"),
    level: z.enum(["debug", "info", "warn", "error"]),
    message: text(16_000),
    at,
  }),
  z.object({ type: z.literal("bye"), state: z.enum(["stopped", "failed"]), reason: text(1000) }),
]);

/** What an agent said, or nothing where no agent would say that. */
export function readMessage(frame: string): FromAgent | undefined {
  if (frame.length > MAX_FRAME_BYTES) return undefined;
  try {
    const parsed = Message.safeParse(JSON.parse(frame));
    return parsed.success ? (parsed.data as FromAgent) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
