import { z } from "zod";
import type { CommandReply } from "../../kernel/agent-protocol.ts";

// Twice what agents keep, so that one may keep more some day.
const MAX_TEXT_CHARACTERS = 700_000;
const place = z.number().int().min(0);

/** Output the agent kept, in Base64, and where it begins. */
export const KeptOutput = z.object({ offset: place, text: z.base64().max(MAX_TEXT_CHARACTERS) });

const Opened = z.object({ channel: z.number().int().min(1).max(0xffff_ffff) });
export type Opened = z.infer<typeof Opened>;
const Attached = KeptOutput.extend({
  /** How much it was told in all. */
  typed: place,
});

type Refused = Extract<CommandReply, { ok: false }>;
export type Answer<T> = { ok: true; value: T } | Refused;

/** The refusal when an agent answers what no agent answers. */
export const FAULT = "AGENT_FAULT";

function answerOf<T>(schema: z.ZodType<T>, reply: CommandReply): Answer<T> {
  if (!reply.ok) return reply;
  const parsed = schema.safeParse(reply.value);
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, code: FAULT, message: "The agent answered what no agent answers." };
}

export const openedOf = (reply: CommandReply) => answerOf(Opened, reply);
export const attachedOf = (reply: CommandReply) => answerOf(Attached, reply);
