import { type AgentActor, permissionsOf } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { RevocableLru } from "../../kernel/revocable-lru.ts";
import { sha256Hex } from "../../kernel/secret.ts";
import { type AgentBearer, findAgentByTokenHash, listConnected } from "./agents.repo.ts";

// Hot routes may be this far behind a revocation in another isolate.
const TTL_MS = 5_000;

const actors = new RevocableLru<AgentActor>(10_000, TTL_MS);

/** Forgets what the token of an agent stands for. */
export const forgetAgent = (id: string): void => actors.revoke(id);
/** Likewise for all agents of an account. */
export const forgetAgentsOf = (userId: string): void => actors.revoke(userId);

export const newAgentToken = async () => {
  const token = `ic_${crypto.randomUUID()}`;
  return { token, tokenHash: await sha256Hex(token) };
};

/** An agent serves everybody on its owner's word, which counts as long as the owner may give it. */
const isShared = (bearer: AgentBearer): boolean =>
  bearer.agent.shared && permissionsOf(bearer).has("agents:share");

/** The agents heard of within the lease time: for whom they work, what they can do, and how busy they are. */
export async function listConnectedAgents({ db, now, settings }: Pick<Ctx, "db" | "now" | "settings">) {
  const since = new Date(now.getTime() - settings.leaseSeconds * 1000);
  const bearers = await listConnected(db, since);
  return bearers.map(({ busy, ...bearer }) => {
    const { id, ownerId, capabilities, labels, concurrency } = bearer.agent;
    return { id, ownerId, shared: isShared(bearer), capabilities, labels, concurrency, busy };
  });
}

/**
 * The agents that may run somebody's notebook cells, their own before shared ones: all that are connected and can. Only
 * what its owner still may give counts.
 */
export async function listKernelAgents(
  sources: Pick<Ctx, "db" | "now" | "settings">,
  ownerId: string,
): Promise<string[]> {
  const connected = await listConnectedAgents(sources);
  const fit = connected.filter(
    ({ ownerId: own, shared, capabilities }) =>
      capabilities.includes("notebook:python") && (own === ownerId || shared),
  );
  return fit
    .toSorted((a, b) => Number(b.ownerId === ownerId) - Number(a.ownerId === ownerId))
    .map(({ id }) => id);
}

/** The agent a token stands for; none when the token was revoked or the agent's owner is suspended. */
export async function findAgentActor(
  { db }: Pick<Ctx, "db">,
  token: string,
  { now, mayCache }: { now: Date; mayCache: boolean },
): Promise<AgentActor | undefined> {
  const cached = mayCache ? actors.get(token, now.getTime()) : undefined;
  if (cached) return cached;
  const bearer = await findAgentByTokenHash(db, await sha256Hex(token));
  if (!bearer) return undefined;
  const { id, ownerId, name } = bearer.agent;
  const permissions = permissionsOf(bearer);
  const shared = isShared(bearer);
  const actor: AgentActor = { kind: "agent", id, ownerId, name, shared, permissions };
  actors.set(token, actor, [id, ownerId], now.getTime());
  return actor;
}
