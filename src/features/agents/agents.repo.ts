import { and, eq, gt, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { behind, newestFirst } from "#db/page";
import { type AgentRow, agents } from "#db/schema";
import type { Scope } from "../../kernel/actor.ts";
import type { Page } from "../../kernel/page.ts";

const owned = (scope: Scope) => (scope === null ? undefined : eq(agents.ownerId, scope));

export async function findAgentByTokenHash(db: Db, tokenHash: string): Promise<AgentRow | undefined> {
  const [row] = await db.select().from(agents).where(eq(agents.tokenHash, tokenHash));
  return row;
}

export function listAgents(db: Db, scope: Scope, { limit, after }: Page): Promise<AgentRow[]> {
  return db
    .select()
    .from(agents)
    .where(and(owned(scope), behind(agents, after)))
    .orderBy(...newestFirst(agents))
    .limit(limit + 1);
}

export async function findAgent(db: Db, scope: Scope, id: string): Promise<AgentRow | undefined> {
  const [row] = await db
    .select()
    .from(agents)
    .where(and(eq(agents.id, id), owned(scope)));
  return row;
}

/** `undefined` when the owner has an agent of that name. */
export async function insertAgent(
  db: Db,
  agent: Pick<AgentRow, "ownerId" | "name" | "shared" | "tokenHash">,
): Promise<AgentRow | undefined> {
  const [row] = await db.insert(agents).values(agent).onConflictDoNothing().returning();
  return row;
}

export async function deleteAgent(db: Db, scope: Scope, id: string): Promise<boolean> {
  const rows = await db
    .delete(agents)
    .where(and(eq(agents.id, id), owned(scope)))
    .returning({ id: agents.id });
  return rows.length > 0;
}

/** How many agents there are and how many of them were heard of since `since`. */
export async function countAgents(db: Db, since: Date): Promise<{ total: number; connected: number }> {
  const [row] = await db
    .select({
      total: sql<number>`count(*)::int`,
      connected: sql<number>`(count(*) filter (where ${gt(agents.lastSeenAt, since)}))::int`,
    })
    .from(agents);
  return row!;
}
