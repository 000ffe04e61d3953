import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { ProcessReport, SystemCommand } from "../../kernel/system-sample.ts";
import { type SystemCorrelation, toSystemCorrelation } from "./correlation.schema.ts";
import { ask, fleetOf } from "./fleet.service.ts";

const QUESTION = { ...SystemCommand.processes, answer: ProcessReport };

/** How CPU, memory and running time of the processes on the caller's machines go together. */
export async function getCorrelation(ctx: Ctx, agentId?: string): Promise<SystemCorrelation> {
  const actor = allow(ctx, "system:read");
  const members = await fleetOf(ctx, actor, agentId);
  const listed = members.map(async (member) => {
    // What runs on somebody else's machine is theirs to know: who shares it gets the figures, not the names.
    const isNamed = member.agent.ownerId === actor.id || actor.role === "admin";
    return { member, asked: await ask(ctx, member, QUESTION), isNamed };
  });
  return toSystemCorrelation(await Promise.all(listed), ctx.now);
}
