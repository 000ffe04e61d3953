import { and, eq, gt, inArray, isNull, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { agentEvents, agents, roles, sessions, users } from "#db/schema";
import { permissionsOf } from "../../kernel/actor.ts";
import { onCustomRole, standingColumns } from "../accounts/index.ts";
import type { Presence } from "./presence.ts";

/** Where an agent's link writes down how the agent is. */
export interface AgentRecords {
  /**
   * Stamps the agent's row, and notes the change of its state where `changed`. Tells whether the agent may stay
   * connected: it still exists and has a token, and its owner may still run agents.
   */
  record(agentId: string, presence: Presence, changed: boolean): Promise<boolean>;
  /** Of these sign-ins the ones that are good, and by which terminals may be used. */
  mayUseTerminal(sessionIds: string[]): Promise<string[]>;
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
    if (changed) await db.insert(agentEvents).values({ agentId, state, reason, version });
    return permissionsOf(owner).has("agents:write");
  },

  async mayUseTerminal(sessionIds) {
    const rows = await db
      .select({ id: sessions.id, ...standingColumns })
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId))
      .leftJoin(roles, onCustomRole)
      .where(
        and(
          inArray(sessions.id, sessionIds),
          isNull(sessions.endedAt),
          gt(sessions.expiresAt, sql`now()`),
          gt(sessions.maxExpiresAt, sql`now()`),
          isNull(users.suspendedAt),
        ),
      );
    return rows.filter((row) => permissionsOf(row).has("terminal:open")).map(({ id }) => id);
  },
});

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
