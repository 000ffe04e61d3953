import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { Sample, SystemCommand } from "../../kernel/system-sample.ts";
import { ask, fleetOf, type Member } from "./fleet.service.ts";
import { type Sampled, type SystemMetrics, toSystemMetrics } from "./metrics.schema.ts";

const QUESTION = { ...SystemCommand.sample, answer: Sample.nullable() };

/** The newest sample of each; the agents themselves are asked. */
export const sampleAll = (ctx: Ctx, members: Member[]): Promise<Sampled[]> =>
  Promise.all(members.map(async (member) => ({ member, asked: await ask(ctx, member, QUESTION) })));

/** How the caller's machines are at this moment. */
export async function getMetrics(ctx: Ctx, agentId?: string): Promise<SystemMetrics> {
  const actor = allow(ctx, "system:read");
  return toSystemMetrics(await sampleAll(ctx, await fleetOf(ctx, actor, agentId)), ctx.now);
}
