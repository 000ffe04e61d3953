import type { Ctx } from "../../kernel/ctx.ts";
import { findAccount, toUser } from "../accounts/index.ts";
import { findSessionActor } from "../sessions/index.ts";
import type { Validity } from "./compat.schema.ts";

const no = (reason: Extract<Validity, { valid: false }>["reason"]): Validity => ({ valid: false, reason });

/** Whether an access token is good right now, its session and account included. Never throws for a bad one. */
export async function checkToken(ctx: Ctx, token: string | undefined): Promise<Validity> {
  if (token === undefined) return no("TOKEN_MISSING");
  const verified = await ctx.tokens.verifyAccess(token, ctx.now);
  if (!verified.ok) return no(verified.reason === "expired" ? "TOKEN_EXPIRED" : "TOKEN_INVALID");
  const { sessionId, userId, expiresAt } = verified.claims;
  const actor = await findSessionActor(ctx, sessionId, ctx.now);
  const account = actor && (await findAccount(ctx.db, userId));
  if (!account || actor.kind !== "user") return no("SESSION_ENDED");
  return {
    valid: true,
    user: toUser(account, Boolean(actor.session?.factorAt)),
    expires_at: expiresAt.toISOString(),
    expires_in: Math.floor((expiresAt.getTime() - ctx.now.getTime()) / 1000),
  };
}
