import type { AgentRow } from "../../db/schema.ts";
import { allow, type Permission, scopeOf } from "../../kernel/actor.ts";
import type { CommandReply } from "../../kernel/agent-protocol.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { type Page, type Paged, paged } from "../../kernel/page.ts";
import { forgetAgent } from "./agent-access.service.ts";
import * as errors from "./agents.errors.ts";
import * as repo from "./agents.repo.ts";
import { type Agent, toAgent } from "./agents.schema.ts";
import {
  type AgentEvent,
  type AgentLog,
  type AgentMetrics,
  type AgentStatus,
  type LogsQuery,
  toAgentEvent,
  toAgentLog,
  toAgentMetrics,
  toAgentStatus,
  type UpdateAgent,
} from "./operations.schema.ts";

const ANSWER_MS = 10_000;

async function own(ctx: Ctx, id: string, permission: Permission): Promise<AgentRow> {
  const row = await repo.findAgent(ctx.db, scopeOf(allow(ctx, permission)), id);
  if (!row) throw errors.agentNotFound();
  return row;
}

/** Renames an agent, or gives it to everybody or to its owner alone. */
export async function updateAgent(ctx: Ctx, id: string, input: UpdateAgent): Promise<Agent> {
  const actor = allow(ctx, "agents:write");
  // Taking part in everybody's work is for administrators to give; to stop that, the owner will do.
  if (input.shared) allow(ctx, "agents:share");
  // Nobody gets rid of being recorded by himself.
  if (input.record_terminals === false && (await own(ctx, id, "agents:write")).recordTerminals)
    allow(ctx, "terminal:review");
  const { name, shared, record_terminals: recordTerminals } = input;
  const change = { name, shared, recordTerminals };
  const row = await repo.updateAgent(ctx.db, scopeOf(actor), id, change, ctx.now);
  if (row === "taken") throw errors.agentNameTaken(input.name!);
  if (!row) throw errors.agentNotFound();
  forgetAgent(id);
  await ctx.audit({ action: "agent.updated", target: { type: "agent", id }, details: { ...input } });
  return toAgent(row, ctx.now, ctx.settings.leaseSeconds);
}

/** How an agent is and what it does, by its link. */
export async function getAgentStatus(ctx: Ctx, id: string): Promise<AgentStatus> {
  await own(ctx, id, "agents:read");
  return toAgentStatus(id, await ctx.agentLinks.of(id).status());
}

function refuse(reply: Extract<CommandReply, { ok: false }>): never {
  if (reply.code === "AGENT_OFFLINE") throw errors.agentOffline();
  if (reply.code === "AGENT_TIMEOUT" || reply.code === "AGENT_GONE") throw errors.agentSilent(reply.message);
  throw errors.agentRefused(reply.code, reply.message);
}

async function tell(ctx: Ctx, id: string, name: "agent.stop" | "agent.restart"): Promise<AgentStatus> {
  await own(ctx, id, "agents:write");
  const link = ctx.agentLinks.of(id);
  const reply = await link.ask({ name, args: null, timeoutMs: ANSWER_MS });
  if (!reply.ok) refuse(reply);
  await ctx.audit({ action: name, target: { type: "agent", id } });
  return toAgentStatus(id, await link.status());
}

/** Has an agent take no more work, finish what it has, and exit. Repeating it changes nothing. */
export const stopAgent = (ctx: Ctx, id: string): Promise<AgentStatus> => tell(ctx, id, "agent.stop");

/** Has an agent end what it does and start anew at once; runs it holds are taken up again. */
export const restartAgent = (ctx: Ctx, id: string): Promise<AgentStatus> => tell(ctx, id, "agent.restart");

/** What its machine measured last, and what it has done. */
export async function getAgentMetrics(ctx: Ctx, id: string): Promise<AgentMetrics> {
  const row = await own(ctx, id, "agents:read");
  const [samples, done] = await Promise.all([
    ctx.agentLinks.of(id).readSamples("hour"),
    repo.countWork(ctx.db, id),
  ]);
  return toAgentMetrics(row, samples.at(-1), done);
}

/** Lines of the agent's own log, the newest 5,000 of which are kept; oldest first. */
export async function listAgentLogs(ctx: Ctx, id: string, query: LogsQuery): Promise<AgentLog[]> {
  await own(ctx, id, "agents:read");
  const { limit, after } = query;
  const lines = await ctx.agentLinks.of(id).readLogs({ limit, ...(after !== undefined && { after }) });
  return lines.map(toAgentLog);
}

const EVENTS_A_SWEEP = 10_000;

/** Agents' history is kept as long as the audit trail. */
export const sweepAgentEvents = ({
  db,
  now,
  settings,
}: Pick<Ctx, "db" | "now" | "settings">): Promise<number> =>
  repo.deleteOldEvents(
    db,
    new Date(now.getTime() - settings.auditRetentionDays * 86_400_000),
    EVENTS_A_SWEEP,
  );

/** Changes of its state, newest first. */
export async function listAgentEvents(ctx: Ctx, id: string, page: Page): Promise<Paged<AgentEvent>> {
  await own(ctx, id, "agents:read");
  const { items, next } = paged(await repo.listEvents(ctx.db, id, page), page.limit);
  return { items: items.map(toAgentEvent), ...(next && { next }) };
}
