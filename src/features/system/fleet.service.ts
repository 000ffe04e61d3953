import type { z } from "zod";
import { scopeOf, type UserActor } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import type { AgentLinkHandle, LinkStatus } from "../../kernel/ports/agent-links.ts";
import { type FleetAgent, findVisible, listFleet } from "./fleet.repo.ts";
import { agentNotFound } from "./system.errors.ts";

/** How many agents are asked at once; of larger fleets those heard of last. */
export const MAX_FLEET = 64;

/** An agent, its link, and how it is; `null` where its link could not be asked. */
export interface Member {
  agent: FleetAgent;
  link: AgentLinkHandle;
  status: LinkStatus | null;
}

export type Asked<T> = { ok: true; value: T } | { ok: false; code: string; message: string };

export async function toMember(ctx: Ctx, agent: FleetAgent): Promise<Member> {
  const link = ctx.agentLinks.of(agent.id);
  const status = await link.status().catch((error: unknown) => {
    ctx.log("warn", "system.link_unreachable", { agent_id: agent.id, error });
    return null;
  });
  return { agent, link, status };
}

/** The agent asked for, or all that the caller may see: their own and those shared with everybody. */
export async function fleetOf(ctx: Ctx, actor: UserActor, agentId?: string): Promise<Member[]> {
  const scope = scopeOf(actor);
  if (agentId === undefined) {
    const agents = await listFleet(ctx.db, scope, MAX_FLEET);
    return Promise.all(agents.map((agent) => toMember(ctx, agent)));
  }
  const agent = await findVisible(ctx.db, scope, agentId);
  if (!agent) throw agentNotFound();
  return [await toMember(ctx, agent)];
}

const OFFLINE = { ok: false, code: "AGENT_OFFLINE", message: "The agent is not connected." } as const;
const FAILED = { ok: false, code: "AGENT_GONE", message: "The agent's link did not answer." } as const;
const UNREADABLE = {
  ok: false,
  code: "AGENT_ANSWER_UNREADABLE",
  message: "The agent answered something that could not be understood.",
} as const;

interface Question<T extends z.ZodType> {
  name: string;
  timeoutMs: number;
  answer: T;
}

/** Has an agent do something and reads its answer; what goes wrong on the way is a value, since others may answer. */
export async function ask<T extends z.ZodType>(
  ctx: Ctx,
  { agent, link, status }: Member,
  { name, timeoutMs, answer }: Question<T>,
): Promise<Asked<z.infer<T>>> {
  if (!status?.connected) return OFFLINE;
  const reply = await link.ask({ name, args: {}, timeoutMs }).catch((error: unknown) => {
    ctx.log("warn", "system.link_unreachable", { agent_id: agent.id, command: name, error });
    return FAILED;
  });
  if (!reply.ok) return { ok: false, code: reply.code, message: reply.message };
  const read = answer.safeParse(reply.value);
  if (read.success) return { ok: true, value: read.data };
  ctx.log("warn", "system.answer_unreadable", {
    agent_id: agent.id,
    command: name,
    fault: read.error.issues[0],
  });
  return UNREADABLE;
}
