import { and, eq, getTableColumns, gt, isNull, lt, or, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { behind, newestFirst } from "#db/page";
import { type ApiTokenRow, apiTokens, roles, users } from "#db/schema";
import type { Scope } from "../../kernel/actor.ts";
import type { Page } from "../../kernel/page.ts";
import { type Caller, callerColumns, onCustomRole } from "../accounts/index.ts";

const mine = (scope: Scope, id?: string) =>
  and(
    isNull(apiTokens.revokedAt),
    scope === null ? undefined : eq(apiTokens.userId, scope),
    id === undefined ? undefined : eq(apiTokens.id, id),
  );

/** A token with what its owner may do at this moment. */
export interface TokenBearer extends Caller {
  token: ApiTokenRow;
}

/** Who stands behind a token that is not revoked and whose owner is not suspended, in one round trip. */
export async function findBearer(db: Db, tokenHash: string): Promise<TokenBearer | undefined> {
  const [row] = await db
    .select({ token: getTableColumns(apiTokens), ...callerColumns })
    .from(apiTokens)
    .innerJoin(users, eq(users.id, apiTokens.userId))
    .leftJoin(roles, onCustomRole)
    .where(and(eq(apiTokens.tokenHash, tokenHash), isNull(apiTokens.revokedAt), isNull(users.suspendedAt)));
  return row;
}

/** Notes a use, unless one was noted after `before`. */
export async function noteUse(
  db: Db,
  id: string,
  use: { now: Date; ip: string | null; before: Date },
): Promise<void> {
  await db
    .update(apiTokens)
    .set({ lastUsedAt: use.now, lastUsedIp: use.ip })
    .where(and(eq(apiTokens.id, id), or(isNull(apiTokens.lastUsedAt), lt(apiTokens.lastUsedAt, use.before))));
}

export function listTokens(db: Db, scope: Scope, { limit, after }: Page): Promise<ApiTokenRow[]> {
  return db
    .select()
    .from(apiTokens)
    .where(and(mine(scope), behind(apiTokens, after)))
    .orderBy(...newestFirst(apiTokens))
    .limit(limit + 1);
}

export async function findToken(db: Db, scope: Scope, id: string): Promise<ApiTokenRow | undefined> {
  const [row] = await db.select().from(apiTokens).where(mine(scope, id));
  return row;
}

type NewToken = Pick<
  ApiTokenRow,
  | "userId"
  | "name"
  | "tokenHash"
  | "hint"
  | "scopes"
  | "allowedIps"
  | "requestsPerMinute"
  | "expiresAt"
  | "createdAt"
>;

/**
 * Adds a token unless its owner has `limit` live ones. The owner's row is locked first, so that many at once cannot
 * outrun the count.
 */
export async function insertToken(db: Db, token: NewToken, limit: number): Promise<ApiTokenRow | undefined> {
  const id = crypto.randomUUID();
  const { userId, createdAt: now } = token;
  const live = and(
    eq(apiTokens.userId, userId),
    isNull(apiTokens.revokedAt),
    or(isNull(apiTokens.expiresAt), gt(apiTokens.expiresAt, now)),
  );
  const [, , [row]] = await db.batch([
    db.select({ id: users.id }).from(users).where(eq(users.id, userId)).for("no key update"),
    db.execute(sql`
      insert into api_tokens
        (id, user_id, name, token_hash, hint, scopes, allowed_ips, requests_per_minute, expires_at, created_at)
      select ${id}, ${userId}, ${token.name}, ${token.tokenHash}, ${token.hint}, ${JSON.stringify(token.scopes)}::jsonb,
        ${JSON.stringify(token.allowedIps)}::jsonb, ${token.requestsPerMinute}::int,
        ${token.expiresAt?.toISOString() ?? null}::timestamptz, ${now.toISOString()}::timestamptz
      where (select count(*) from ${apiTokens} where ${live}) < ${limit}`),
    db.select().from(apiTokens).where(eq(apiTokens.id, id)),
  ]);
  return row;
}

export type TokenChange = Partial<Pick<ApiTokenRow, "name" | "scopes" | "allowedIps" | "requestsPerMinute">>;

/** Changes a token; not when that would give it a scope it does not have at that moment. */
export async function updateToken(
  db: Db,
  userId: string,
  id: string,
  change: TokenChange,
): Promise<ApiTokenRow | undefined> {
  const narrows =
    change.scopes &&
    sql`(${apiTokens.scopes} @> '["*"]'::jsonb or ${apiTokens.scopes} @> ${JSON.stringify(change.scopes)}::jsonb)`;
  const [row] = await db
    .update(apiTokens)
    .set(change)
    .where(and(mine(userId, id), narrows))
    .returning();
  return row;
}

/** Replaces the secret of a token that has not expired. */
export async function rotateToken(
  db: Db,
  userId: string,
  id: string,
  next: Pick<ApiTokenRow, "tokenHash" | "hint"> & { now: Date },
): Promise<ApiTokenRow | undefined> {
  const { tokenHash, hint, now } = next;
  const [row] = await db
    .update(apiTokens)
    .set({ tokenHash, hint, rotatedAt: now })
    .where(and(mine(userId, id), or(isNull(apiTokens.expiresAt), gt(apiTokens.expiresAt, now))))
    .returning();
  return row;
}

export async function revokeToken(
  db: Db,
  scope: Scope,
  id: string,
  now: Date,
): Promise<ApiTokenRow | undefined> {
  const [row] = await db.update(apiTokens).set({ revokedAt: now }).where(mine(scope, id)).returning();
  return row;
}

/** Removes tokens revoked before `before`. */
export async function deleteRevoked(db: Db, before: Date): Promise<number> {
  const gone = await db
    .delete(apiTokens)
    .where(lt(apiTokens.revokedAt, before))
    .returning({ id: apiTokens.id });
  return gone.length;
}
