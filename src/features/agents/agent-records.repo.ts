import { and, eq, isNull, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { type AgentEventRow, agentEvents, agents, roles, users } from "#db/schema";
import { permissionsOf } from "../../kernel/actor.ts";
import type { Watcher } from "../../kernel/ports/run-feeds.ts";
import { onCustomRole, standingColumns, stillMay } from "../accounts/index.ts";
import type { Presence } from "./presence.ts";

/** Where an agent's link writes down how the agent is. */
export interface AgentRecords {
  /**
   * Stamps the agent's row, and notes the change of its state where `changed`. Tells whether the agent may stay
   * connected: it still exists and has a token, and its owner may still run agents.
   */
  record(agentId: string, presence: Presence, changed: boolean): Promise<boolean>;
  /** Of these the ones that are good, and by which terminals may be used. */
  mayUseTerminal(watchers: Watcher[]): Promise<Watcher[]>;
}

export const createAgentRecords = (db: Db): AgentRecords => ({
  async record(agentId, presence, changed) {
    const [, [owner]] = await db.batch([
      db.update(agents).set(columnsOf(presence)).where(eq(agents.id, agentId)),
      db
        .select({ ...standingColumns, tokenHash: agents.tokenHash })
        .from(agents)
        .innerJoin(users, eq(users.id, agents.ownerId))
        .leftJoin(roles, onCustomRole)
        .where(and(eq(agents.id, agentId), isNull(users.suspendedAt))),
    ]);
    if (!owner || owner.tokenHash === null) return false;
    const { state, reason, version } = presence;
    if (changed) await addEvent(db, { agentId, state, reason, version });
    return permissionsOf(owner).has("agents:write");
  },

  mayUseTerminal: (watchers) => stillMay(db, watchers, { permission: "terminal:open" }),
});

/** More changes than this within a minute are an agent gone mad: its row still says how it is, its history no more. */
const EVENTS_PER_MINUTE = 30;

async function addEvent(
  db: Db,
  { agentId, state, reason, version }: Omit<AgentEventRow, "id" | "createdAt">,
): Promise<void> {
  const lately = sql`${agentEvents.createdAt} > now() - interval '1 minute'`;
  const isFull = sql`(select count(*) from ${agentEvents} where ${agentEvents.agentId} = ${agentId} and ${lately})
    >= ${EVENTS_PER_MINUTE}`;
  await db.execute(sql`insert into ${agentEvents} (agent_id, state, reason, version)
    select ${agentId}::uuid, ${state}, ${reason}, ${version} where not ${isFull}`);
}

const dateOf = (ms: number | null) => (ms === null ? null : new Date(ms));

const columnsOf = (presence: Presence) => ({
  state: presence.state,
  stateSince: dateOf(presence.since),
  stateReason: presence.reason,
  version: presence.version,
  capabilities: presence.capabilities,
  labels: presence.labels,
  host: presence.host && { ...presence.host },
  lastSeenAt: dateOf(presence.lastSeenAt),
});
