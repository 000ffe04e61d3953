import { allow, allowPerson, beyond, isPermission, scopeOf, type SignedInUser } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { type Page, type Paged, paged } from "../../kernel/page.ts";
import { sha256Hex } from "../../kernel/secret.ts";
import { TOKEN_PREFIX } from "./token-access.service.ts";
import { forgetToken } from "./token-grants.ts";
import * as errors from "./tokens.errors.ts";
import * as repo from "./tokens.repo.ts";
import {
  type ApiToken,
  type CreateApiToken,
  type IssuedApiToken,
  toApiToken,
  type UpdateApiToken,
} from "./tokens.schema.ts";

const MAX_LIVE = 100;

/** One's own tokens; administrators see everybody's. */
export async function listTokens(ctx: Ctx, page: Page): Promise<Paged<ApiToken>> {
  const actor = allow(ctx, "tokens:read");
  const { items, next } = paged(await repo.listTokens(ctx.db, scopeOf(actor), page), page.limit);
  return { items: items.map((row) => toApiToken(row, ctx.now)), ...(next && { next }) };
}

export async function getToken(ctx: Ctx, id: string): Promise<ApiToken> {
  const actor = allow(ctx, "tokens:read");
  const row = await repo.findToken(ctx.db, scopeOf(actor), id);
  if (!row) throw errors.tokenNotFound();
  return toApiToken(row, ctx.now);
}

function refuseBeyond(actor: SignedInUser, scopes: readonly string[]): void {
  const excess = beyond(actor, scopes.filter(isPermission));
  if (excess.length > 0) throw errors.scopesBeyondYours(excess);
}

async function makeSecret() {
  const token = `${TOKEN_PREFIX}${crypto.randomUUID()}`;
  return { token, tokenHash: await sha256Hex(token), hint: token.slice(-4) };
}

const target = (id: string) => ({ type: "token", id });

/** Makes a token that can do no more than its owner; it is in the answer and nowhere else. */
export async function createToken(ctx: Ctx, input: CreateApiToken): Promise<IssuedApiToken> {
  const actor = allowPerson(ctx, "tokens:write");
  refuseBeyond(actor, input.scopes);
  const { token, ...secret } = await makeSecret();
  const row = await repo.insertToken(
    ctx.db,
    {
      ...secret,
      userId: actor.id,
      name: input.name,
      scopes: input.scopes,
      allowedIps: input.allowed_ips,
      requestsPerMinute: input.requests_per_minute,
      expiresAt: input.expires_at === null ? null : new Date(input.expires_at),
      createdAt: ctx.now,
    },
    MAX_LIVE,
  );
  if (!row) throw errors.tooManyTokens(MAX_LIVE);
  await ctx.audit({ action: "token.created", target: target(row.id), details: { scopes: row.scopes } });
  return { ...toApiToken(row, ctx.now), token };
}

const changeOf = (input: UpdateApiToken): repo.TokenChange => ({
  ...(input.name !== undefined && { name: input.name }),
  ...(input.scopes && { scopes: input.scopes }),
  ...(input.allowed_ips && { allowedIps: input.allowed_ips }),
  ...(input.requests_per_minute !== undefined && { requestsPerMinute: input.requests_per_minute }),
});

/** Renames a token, changes its limits, or narrows its scopes. */
export async function updateToken(ctx: Ctx, id: string, input: UpdateApiToken): Promise<ApiToken> {
  const actor = allowPerson(ctx, "tokens:write");
  if (!(await repo.findToken(ctx.db, actor.id, id))) throw errors.tokenNotFound();
  refuseBeyond(actor, input.scopes ?? []);
  const change = changeOf(input);
  const fields = Object.keys(change);
  if (fields.length === 0) return getToken(ctx, id);
  const row = await repo.updateToken(ctx.db, actor.id, id, change);
  if (!row) throw change.scopes ? errors.scopesWiden() : errors.tokenNotFound();
  forgetToken(id);
  await ctx.audit({ action: "token.updated", target: target(id), details: { fields } });
  return toApiToken(row, ctx.now);
}

/** Gives a token a new secret; the old one stops working at once. */
export async function rotateToken(ctx: Ctx, id: string): Promise<IssuedApiToken> {
  const actor = allowPerson(ctx, "tokens:write");
  const { token, ...secret } = await makeSecret();
  const row = await repo.rotateToken(ctx.db, actor.id, id, { ...secret, now: ctx.now });
  if (!row) {
    const isThere = await repo.findToken(ctx.db, actor.id, id);
    throw isThere ? errors.tokenHasExpired() : errors.tokenNotFound();
  }
  forgetToken(id);
  await ctx.audit({ action: "token.rotated", target: target(id) });
  return { ...toApiToken(row, ctx.now), token };
}

/** Revokes one of the caller's tokens, or anybody's for administrators. */
export async function revokeToken(ctx: Ctx, id: string): Promise<void> {
  const actor = allowPerson(ctx, "tokens:write");
  const row = await repo.revokeToken(ctx.db, scopeOf(actor), id, ctx.now);
  if (!row) throw errors.tokenNotFound();
  forgetToken(id);
  await ctx.audit({ action: "token.revoked", target: target(id), details: { user_id: row.userId } });
}

const KEEP_REVOKED_MS = 30 * 86_400_000;

/** Forgets tokens a month after they were revoked. */
export const sweepTokens = (ctx: Pick<Ctx, "db" | "now">): Promise<number> =>
  repo.deleteRevoked(ctx.db, new Date(ctx.now.getTime() - KEEP_REVOKED_MS));
