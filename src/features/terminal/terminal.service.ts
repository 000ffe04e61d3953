import { allow, allowPerson, type SignedInUser } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { isId } from "../../kernel/page.ts";
import type { TerminalTicket as Facts } from "../../kernel/ports/agent-links.ts";
import { randomToken, sha256Hex } from "../../kernel/secret.ts";
import { type Agent, getAgent, listAgents } from "../agents/index.ts";
import { requireRecentProof } from "../mfa/index.ts";
import * as errors from "./terminal.errors.ts";
import type { OpenTerminal, TerminalInfo, TerminalTicket } from "./terminal.schema.ts";

const TICKET_SECONDS = 60;
const LOOKED_AT = 100;

const hasTerminals = ({ capabilities }: Agent): boolean => capabilities.includes("terminal");

/** Why an agent has no terminal to offer at this moment. */
async function obstacleTo(ctx: Ctx, agent: Agent): Promise<string | null> {
  if (!agent.connected) return "The agent is not connected.";
  if (agent.state === "draining") return "The agent is draining.";
  if (hasTerminals(agent)) return null;
  const { host } = await ctx.agentLinks.of(agent.id).status();
  return host?.no_shell ?? "The agent was not started with --allow-terminal.";
}

/** What the deployment wants recorded, and what the agent's owner wants: the stricter of both. */
const isRecorded = ({ settings }: Ctx, agent: Agent): boolean =>
  settings.terminal.isRecorded || agent.record_terminals;

/** The caller's terminals at an agent that has any, and the shell they run. */
async function askLink(ctx: Ctx, agentId: string, userId: string) {
  const link = ctx.agentLinks.of(agentId);
  const [open, { host }] = await Promise.all([link.listTerminals(), link.status()]);
  const sessions = open
    .filter((one) => one.userId === userId)
    .map(({ id, openedAt, attached }) => ({ id, opened_at: new Date(openedAt).toISOString(), attached }));
  return { sessions, shell: host?.shell ?? null };
}

/** Where the caller could have a terminal, why not elsewhere, and which ones are open. */
export async function getTerminalInfo(ctx: Ctx, agentId?: string): Promise<TerminalInfo> {
  const actor = allow(ctx, "terminal:open");
  const items = agentId
    ? [await getAgent(ctx, agentId)]
    : (await listAgents(ctx, { limit: LOOKED_AT })).items;
  const agents = await Promise.all(
    items.map(async (agent) => {
      const reason = await obstacleTo(ctx, agent);
      const known = reason === null ? await askLink(ctx, agent.id, actor.id) : { sessions: [], shell: null };
      const about = { agent_id: agent.id, name: agent.name, available: reason === null, reason };
      return { ...about, recording: isRecorded(ctx, agent), ...known };
    }),
  );
  const shells = new Set(agents.filter(({ available }) => available).map(({ shell }) => shell));
  const { idleSeconds, maxSeconds } = ctx.settings.terminal;
  return {
    available: agents.some(({ available }) => available),
    shell: shells.size === 1 ? [...shells][0]! : null,
    features: ["pty", "resize", "colors", "reconnect", "flow-control"],
    idle_seconds: idleSeconds,
    max_seconds: maxSeconds,
    agents,
  };
}

async function agentFor(ctx: Ctx, id: string | undefined): Promise<Agent> {
  if (id !== undefined) return getAgent(ctx, id);
  const { items } = await listAgents(ctx, { limit: LOOKED_AT });
  const fit = items.filter((agent) => agent.connected && agent.state !== "draining" && hasTerminals(agent));
  if (fit.length !== 1) throw errors.agentUnclear();
  return fit[0]!;
}

/** Whoever may have a terminal: a person who has just shown who they are. */
async function allowTerminal(ctx: Ctx): Promise<SignedInUser> {
  const actor = allowPerson(ctx, "terminal:open");
  await requireRecentProof(ctx, actor);
  return actor;
}

/** A ticket, good once for a minute, for a new terminal or for one the caller has open. */
export async function createTerminalTicket(ctx: Ctx, input: OpenTerminal): Promise<TerminalTicket> {
  const actor = await allowTerminal(ctx);
  const agent = await agentFor(ctx, input.agent_id);
  const obstacle = await obstacleTo(ctx, agent);
  if (obstacle !== null) throw errors.noTerminal(obstacle);
  const link = ctx.agentLinks.of(agent.id);
  if (input.session !== undefined) {
    const open = await link.listTerminals();
    if (!open.some(({ id, userId }) => id === input.session && userId === actor.id))
      throw errors.terminalNotFound();
  }
  const terminal = input.session ?? crypto.randomUUID();
  const secret = randomToken(32);
  const { idleSeconds, maxSeconds, recordingMaxBytes: maxBytes } = ctx.settings.terminal;
  const facts: Facts = {
    ...{ terminal, isNew: input.session === undefined, userId: actor.id, userName: actor.email },
    ...{
      watcher: `session:${actor.session.id}`,
      ip: ctx.client.ip,
      rows: input.rows,
      columns: input.columns,
    },
    ...{ idleSeconds, maxSeconds, agentName: agent.name },
    recording: isRecorded(ctx, agent) ? { maxBytes } : null,
  };
  await link.addTicket(await sha256Hex(secret), ctx.now.getTime() + TICKET_SECONDS * 1000, facts);
  return {
    ticket: `${agent.id}.${secret}`,
    expires_in: TICKET_SECONDS,
    session: terminal,
    agent_id: agent.id,
  };
}

/** What a ticket stands for and at which agent; uses it up. */
export async function redeemTerminalTicket(
  ctx: Ctx,
  ticket: string,
): Promise<{ agentId: string; facts: Facts }> {
  const [agentId = "", secret = ""] = ticket.split(".");
  const facts = isId(agentId)
    ? await ctx.agentLinks.of(agentId).redeemTicket(await sha256Hex(secret), ctx.now.getTime())
    : null;
  if (!facts) throw errors.ticketInvalid();
  return { agentId, facts };
}

/** Tells the trail of a terminal that was opened, or looked at again. */
export const noteTerminal = (ctx: Ctx, agentId: string, facts: Facts): Promise<void> =>
  ctx.audit({
    action: facts.isNew ? "terminal.opened" : "terminal.attached",
    actor: { kind: "user", id: facts.userId, name: facts.userName },
    target: { type: "terminal", id: facts.terminal },
    details: { agent_id: agentId },
  });

/** Ends a terminal of the caller's. */
export async function closeTerminal(ctx: Ctx, agentId: string, terminal: string): Promise<void> {
  const actor = allow(ctx, "terminal:open");
  const { id } = await getAgent(ctx, agentId);
  const link = ctx.agentLinks.of(id);
  const open = await link.listTerminals();
  if (!open.some((one) => one.id === terminal && one.userId === actor.id)) throw errors.terminalNotFound();
  const reply = await link.closeTerminal(terminal);
  if (!reply.ok) throw errors.refused(reply.code, reply.message);
}
