import { and, eq, gt, inArray, isNull, or, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { apiTokens, notebooks, roles, sessions, users } from "#db/schema";
import { permissionsOf } from "../../kernel/actor.ts";
import type { Watcher } from "../../kernel/ports/run-feeds.ts";
import { onCustomRole, type Standing, standingColumns } from "../accounts/index.ts";

/** The account behind a watcher, next to the notebook's owner. */
interface Watching extends Standing {
  id: string;
  userId: string;
  ownerId: string | null;
  scopes?: string[];
}

const sees = (watching: Watching): boolean =>
  permissionsOf(watching).has("notebooks:read") &&
  (watching.role === "admin" || watching.userId === watching.ownerId);

const watching = { userId: users.id, ownerId: notebooks.ownerId, ...standingColumns };

const now = sql`now()`;

const sessionsOf = (db: Db, notebookId: string, ids: string[]) =>
  db
    .select({ id: sessions.id, ...watching })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .leftJoin(roles, onCustomRole)
    .leftJoin(notebooks, eq(notebooks.id, notebookId))
    .where(
      and(
        inArray(sessions.id, ids),
        isNull(sessions.endedAt),
        gt(sessions.expiresAt, now),
        gt(sessions.maxExpiresAt, now),
        isNull(users.suspendedAt),
      ),
    );

const tokensOf = (db: Db, notebookId: string, ids: string[]) =>
  db
    .select({ id: apiTokens.id, scopes: apiTokens.scopes, ...watching })
    .from(apiTokens)
    .innerJoin(users, eq(users.id, apiTokens.userId))
    .leftJoin(roles, onCustomRole)
    .leftJoin(notebooks, eq(notebooks.id, notebookId))
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

/** Watchers whose session or API token is still good, and by which the notebook may still be seen. */
export async function stillMay(db: Db, notebookId: string, watchers: Watcher[]): Promise<Watcher[]> {
  const [bySession, byToken] = await db.batch([
    sessionsOf(db, notebookId, idsOf("session", watchers)),
    tokensOf(db, notebookId, idsOf("token", watchers)),
  ]);
  return [
    ...bySession.filter(sees).map(({ id }) => `session:${id}` as const),
    ...byToken.filter(sees).map(({ id }) => `token:${id}` as const),
  ];
}
