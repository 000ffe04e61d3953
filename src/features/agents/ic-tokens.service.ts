import { allow, allowPerson, scopeOf } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { forgetAgent, newAgentToken } from "./agent-access.service.ts";
import * as errors from "./agents.errors.ts";
import * as repo from "./agents.repo.ts";
import {
  type IcTokenState,
  type IssuedIcToken,
  type RegeneratedIcToken,
  toIcTokenState,
  toIssuedIcToken,
} from "./ic-tokens.schema.ts";

const target = (id: string) => ({ type: "agent", id });

/** Whether an agent has a token, and since when. */
export async function getIcToken(ctx: Ctx, id: string): Promise<IcTokenState> {
  const actor = allow(ctx, "agents:read");
  const row = await repo.findAgent(ctx.db, scopeOf(actor), id);
  if (!row) throw errors.agentNotFound();
  return toIcTokenState(row);
}

async function putToken(ctx: Ctx, id: string, instead: "first" | "next"): Promise<IssuedIcToken> {
  const scope = scopeOf(allowPerson(ctx, "agents:write"));
  const agent = await repo.findAgent(ctx.db, scope, id);
  if (!agent) throw errors.agentNotFound();
  // The token of a shared agent opens everybody's work.
  if (agent.shared) allow(ctx, "agents:share");
  const { token, tokenHash } = await newAgentToken();
  if (!(await repo.setToken(ctx.db, scope, id, instead, { tokenHash, now: ctx.now })))
    throw instead === "first" ? errors.agentHasToken() : errors.agentHasNoToken();
  forgetAgent(id);
  if (instead === "next") await ctx.agentLinks.of(id).revoke();
  return toIssuedIcToken(id, token, ctx.now);
}

/** Issues a token to an agent that has none; it is in the answer and nowhere else. */
export async function issueIcToken(ctx: Ctx, id: string): Promise<IssuedIcToken> {
  const issued = await putToken(ctx, id, "first");
  await ctx.audit({ action: "agent.token_issued", target: target(id) });
  return issued;
}

/** Puts a new token in the place of the old one, which stops working at once. */
export async function regenerateIcToken(ctx: Ctx, id: string): Promise<RegeneratedIcToken> {
  const issued = await putToken(ctx, id, "next");
  await ctx.audit({ action: "agent.token_regenerated", target: target(id) });
  return { ...issued, old_token_invalidated: true };
}

/** Takes an agent's token away; runs it holds fail when their lease ends. */
export async function revokeIcToken(ctx: Ctx, id: string): Promise<void> {
  const scope = scopeOf(allow(ctx, "agents:write"));
  if (!(await repo.findAgent(ctx.db, scope, id))) throw errors.agentNotFound();
  if (!(await repo.clearToken(ctx.db, scope, id, ctx.now))) throw errors.agentHasNoToken();
  forgetAgent(id);
  await ctx.agentLinks.of(id).revoke();
  await ctx.audit({ action: "agent.token_revoked", target: target(id) });
}
