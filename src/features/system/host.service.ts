import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { fleetOf } from "./fleet.service.ts";
import { type SystemGpus, toSystemGpus } from "./gpus.schema.ts";
import { type SystemInfo, toSystemInfo } from "./info.schema.ts";
import { sampleAll } from "./metrics.service.ts";

/** What the caller's machines are. */
export async function getInfo(ctx: Ctx, agentId?: string): Promise<SystemInfo> {
  const actor = allow(ctx, "system:read");
  return toSystemInfo(await sampleAll(ctx, await fleetOf(ctx, actor, agentId)));
}

/** The GPUs they have. */
export async function getGpus(ctx: Ctx, agentId?: string): Promise<SystemGpus> {
  const actor = allow(ctx, "system:read");
  return toSystemGpus(await sampleAll(ctx, await fleetOf(ctx, actor, agentId)));
}
