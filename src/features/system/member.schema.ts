import { Timestamp, z } from "#http/contract";
import type { Asked, Member } from "./fleet.service.ts";

export const AgentQuery = z.object({
  agent_id: z
    .uuid()
    .toLowerCase()
    .optional()
    .openapi({ description: "One agent; without it, all you may see, taken together." }),
});
export type AgentQuery = z.infer<typeof AgentQuery>;

/** What every answer about a fleet says of each of its agents. */
export const MemberBase = z.object({
  agent_id: z.uuid(),
  agent_name: z.string(),
  connected: z.boolean(),
  last_seen_at: Timestamp.nullable(),
  error: z
    .object({ code: z.string(), message: z.string() })
    .nullable()
    .openapi({ description: "Why there are no figures of it." }),
});
export type MemberBase = z.infer<typeof MemberBase>;

const dated = (ms: number | null | undefined): string | null =>
  ms === null || ms === undefined ? null : new Date(ms).toISOString();

export function toMemberBase({ agent, status }: Member, asked?: Asked<unknown>): MemberBase {
  return {
    agent_id: agent.id,
    agent_name: agent.name,
    connected: status?.connected ?? false,
    last_seen_at: dated(status?.lastSeenAt) ?? agent.lastSeenAt?.toISOString() ?? null,
    error: asked && !asked.ok ? { code: asked.code, message: asked.message } : null,
  };
}

export const bytes = z.number().nullable().openapi({ description: "Bytes." });
export const bytesPerSecond = z.number().nullable().openapi({ description: "Bytes per second." });
export const percent = z.number().nullable().openapi({ description: "0–100." });

/** When an agent measured something, by our clock as far as its own is known; no clock of theirs is right about tomorrow. */
export function measuredAt(at: string, { status }: Member, now: Date): string {
  const ours = Date.parse(at) - (status?.clockSkewMs ?? 0);
  return new Date(Math.min(Math.max(ours, 0), now.getTime())).toISOString();
}
