import { allow, allowPerson, scopeOf } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { type Page, type Paged, paged } from "../../kernel/page.ts";
import { forgetAgent, newAgentToken } from "./agent-access.service.ts";
import { agentNameTaken, agentNotFound } from "./agents.errors.ts";
import * as repo from "./agents.repo.ts";
import { type Agent, type CreateAgent, toAgent } from "./agents.schema.ts";

export async function listAgents(ctx: Ctx, page: Page): Promise<Paged<Agent>> {
  const actor = allow(ctx, "agents:read");
  const { items, next } = paged(await repo.listAgents(ctx.db, scopeOf(actor), page), page.limit);
  const present = items.map((row) => toAgent(row, ctx.now, ctx.settings.leaseSeconds));
  return { items: present, ...(next && { next }) };
}

/** Registers an agent; its token is in the answer and nowhere else. For people, since tokens make no tokens. */
export async function createAgent(ctx: Ctx, input: CreateAgent): Promise<Agent & { token: string }> {
  const actor = allowPerson(ctx, "agents:write");
  if (input.shared) allow(ctx, "agents:share");
  const { token, tokenHash } = await newAgentToken();
  const row = await repo.insertAgent(ctx.db, {
    ownerId: actor.id,
    name: input.name,
    shared: input.shared,
    tokenHash,
    tokenIssuedAt: ctx.now,
  });
  if (!row) throw agentNameTaken(input.name);
  await ctx.audit({ action: "agent.created", target: { type: "agent", id: row.id } });
  return { ...toAgent(row, ctx.now, ctx.settings.leaseSeconds), token };
}

export async function getAgent(ctx: Ctx, id: string): Promise<Agent> {
  const actor = allow(ctx, "agents:read");
  const row = await repo.findAgent(ctx.db, scopeOf(actor), id);
  if (!row) throw agentNotFound();
  return toAgent(row, ctx.now, ctx.settings.leaseSeconds);
}

/** Its token stops working with it; runs it holds fail when their lease ends. */
export async function deleteAgent(ctx: Ctx, id: string): Promise<void> {
  const actor = allow(ctx, "agents:write");
  if (!(await repo.deleteAgent(ctx.db, scopeOf(actor), id))) throw agentNotFound();
  forgetAgent(id);
  await ctx.agentLinks.of(id).revoke();
  await ctx.audit({ action: "agent.deleted", target: { type: "agent", id } });
}
