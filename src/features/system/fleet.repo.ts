import { and, desc, eq, isNotNull, or } from "drizzle-orm";
import type { Db } from "#db/client";
import { type AgentRow, agents } from "#db/schema";
import type { Scope } from "../../kernel/actor.ts";

export type FleetAgent = Pick<AgentRow, "id" | "ownerId" | "name" | "lastSeenAt">;

const columns = { id: agents.id, ownerId: agents.ownerId, name: agents.name, lastSeenAt: agents.lastSeenAt };
/** Whoever's work an agent may take sees how it is. */
const visible = (scope: Scope) =>
  scope === null ? undefined : or(eq(agents.ownerId, scope), eq(agents.shared, true));

/** The agents that ever dialled in and that `scope` may see, those heard of last first. */
export function listFleet(db: Db, scope: Scope, limit: number): Promise<FleetAgent[]> {
  return db
    .select(columns)
    .from(agents)
    .where(and(isNotNull(agents.lastSeenAt), visible(scope)))
    .orderBy(desc(agents.lastSeenAt), agents.id)
    .limit(limit);
}

/** Those of one owner alone. */
export function listOwn(db: Db, ownerId: string, limit: number): Promise<FleetAgent[]> {
  return db
    .select(columns)
    .from(agents)
    .where(and(isNotNull(agents.lastSeenAt), eq(agents.ownerId, ownerId)))
    .orderBy(desc(agents.lastSeenAt), agents.id)
    .limit(limit);
}

export async function findVisible(db: Db, scope: Scope, id: string): Promise<FleetAgent | undefined> {
  const [row] = await db
    .select(columns)
    .from(agents)
    .where(and(eq(agents.id, id), visible(scope)));
  return row;
}
