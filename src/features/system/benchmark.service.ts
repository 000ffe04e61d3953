import { allow, type UserActor } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { BenchmarkReport, SystemCommand } from "../../kernel/system-sample.ts";
import { type SystemBenchmark, toSystemBenchmark } from "./benchmark.schema.ts";
import { listOwn } from "./fleet.repo.ts";
import { ask, fleetOf, toMember } from "./fleet.service.ts";
import { agentRefused, notYourMachine } from "./system.errors.ts";

// Each takes seconds of a whole machine.
const MAX_AGENTS = 16;
const QUESTION = { ...SystemCommand.benchmark, answer: BenchmarkReport };

async function measureOne(ctx: Ctx, actor: UserActor, agentId: string) {
  const [member] = await fleetOf(ctx, actor, agentId);
  // Whoever shares a machine shares its work, not a quarter of a minute of all it has.
  if (member!.agent.ownerId !== actor.id && actor.role !== "admin") throw notYourMachine();
  const asked = await ask(ctx, member!, QUESTION);
  if (!asked.ok) throw agentRefused(asked);
  return [{ member: member!, asked }];
}

async function measureOwn(ctx: Ctx, actor: UserActor) {
  const agents = await listOwn(ctx.db, actor.id, MAX_AGENTS);
  return Promise.all(
    agents.map(async (agent) => {
      const member = await toMember(ctx, agent);
      return { member, asked: await ask(ctx, member, QUESTION) };
    }),
  );
}

/**
 * Has one agent measure its machine, or all agents of the caller's own (at most 16, at once). Refused with 409 while a
 * benchmark runs on the agent, or while it is not connected.
 */
export async function runBenchmark(ctx: Ctx, agentId?: string): Promise<SystemBenchmark> {
  const actor = allow(ctx, "system:benchmark");
  const measured = await (agentId === undefined ? measureOwn(ctx, actor) : measureOne(ctx, actor, agentId));
  const done = measured.filter(({ asked }) => asked.ok).map(({ member }) => member.agent.id);
  await ctx.audit({ action: "system.benchmark", details: { agents: done } });
  return toSystemBenchmark(measured, ctx.now);
}
