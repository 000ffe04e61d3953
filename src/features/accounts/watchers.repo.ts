import { and, eq, gt, inArray, isNull, or, type SQL, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { apiTokens, roles, sessions, users } from "#db/schema";
import { type Permission, permissionsOf } from "../../kernel/actor.ts";
import type { Watcher } from "../../kernel/ports/run-feeds.ts";
import { onCustomRole, standingColumns } from "./accounts.repo.ts";
import type { Standing } from "./rank.ts";

/** What is watched: the permission it takes, and whose it is where that matters. */
export interface Watched {
  permission: Permission;
  /** A scalar query for the owner's id. */
  owner?: SQL<string | null>;
}

interface Watching extends Standing {
  id: string;
  userId: string;
  ownerId: string | null;
  scopes?: string[];
}

const now = sql`now()`;
const NOBODY = sql<string | null>`null`;

const sessionsOf = (db: Db, ids: string[], owner: SQL<string | null>) =>
  db
    .select({ id: sessions.id, userId: users.id, ownerId: owner, ...standingColumns })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .leftJoin(roles, onCustomRole)
    .where(
      and(
        inArray(sessions.id, ids),
        isNull(sessions.endedAt),
        gt(sessions.expiresAt, now),
        gt(sessions.maxExpiresAt, now),
        isNull(users.suspendedAt),
      ),
    );

const tokensOf = (db: Db, ids: string[], owner: SQL<string | null>) =>
  db
    .select({
      ...{ id: apiTokens.id, scopes: apiTokens.scopes, userId: users.id, ownerId: owner },
      ...standingColumns,
    })
    .from(apiTokens)
    .innerJoin(users, eq(users.id, apiTokens.userId))
    .leftJoin(roles, onCustomRole)
    .where(
      and(
        inArray(apiTokens.id, ids),
        isNull(apiTokens.revokedAt),
        or(isNull(apiTokens.expiresAt), gt(apiTokens.expiresAt, now)),
        isNull(users.suspendedAt),
      ),
    );

const idsOf = (kind: "session" | "token", watchers: Watcher[]): string[] =>
  watchers.flatMap((watcher) => (watcher.startsWith(`${kind}:`) ? [watcher.slice(kind.length + 1)] : []));

/** Administrators may what others own. */
const may =
  ({ permission, owner }: Watched) =>
  (watching: Omit<Watching, "id">): boolean =>
    permissionsOf(watching).has(permission) &&
    (!owner || watching.role === "admin" || watching.userId === watching.ownerId);

/** Of these users the ones that are there, not suspended, and may do that. */
export async function mayStill(db: Db, userIds: string[], watched: Watched): Promise<string[]> {
  const rows = await db
    .select({ userId: users.id, ownerId: watched.owner ?? NOBODY, ...standingColumns })
    .from(users)
    .leftJoin(roles, onCustomRole)
    .where(and(inArray(users.id, userIds), isNull(users.suspendedAt)));
  return rows.filter(may(watched)).map(({ userId }) => userId);
}

/** Watchers whose session or API token is still good, and by which it may still be seen; in one round trip. */
export async function stillMay(db: Db, watchers: Watcher[], watched: Watched): Promise<Watcher[]> {
  const sees = may(watched);
  const { owner } = watched;
  const [bySession, byToken] = await db.batch([
    sessionsOf(db, idsOf("session", watchers), owner ?? NOBODY),
    tokensOf(db, idsOf("token", watchers), owner ?? NOBODY),
  ]);
  return [
    ...bySession.filter(sees).map(({ id }) => `session:${id}` as const),
    ...byToken.filter(sees).map(({ id }) => `token:${id}` as const),
  ];
}
