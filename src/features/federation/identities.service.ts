import { allowPerson, requireFresh } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { endSessionsOf } from "../sessions/index.ts";
import * as errors from "./federation.errors.ts";
import * as repo from "./identities.repo.ts";
import { type Identity, toIdentity } from "./identities.schema.ts";

/** The caller's identities elsewhere, newest first. */
export async function listIdentities(ctx: Ctx): Promise<Identity[]> {
  const { id } = allowPerson(ctx, "account:self");
  return (await repo.listIdentities(ctx.db, id)).map(toIdentity);
}

/** Whether somebody else vouches for an account. */
export const hasIdentity = async (ctx: Pick<Ctx, "db">, userId: string): Promise<boolean> =>
  (await repo.listIdentities(ctx.db, userId)).length > 0;

/**
 * Takes an identity off the caller's account, unless that locked its owner out. Their other sessions end: if the identity
 * was somebody else's, theirs is among them.
 */
export async function deleteIdentity(ctx: Ctx, identityId: string): Promise<void> {
  const actor = allowPerson(ctx, "account:self");
  const identity = await repo.findIdentity(ctx.db, actor.id, identityId);
  if (!identity) throw errors.identityNotFound();
  requireFresh(actor, ctx.now);
  if (!(await repo.deleteIdentity(ctx.db, actor.id, identityId))) throw errors.lastWayIn();
  await ctx.audit({
    action: "identity.removed",
    target: { type: "user", id: actor.id },
    details: { provider: identity.provider },
  });
  await endSessionsOf(ctx, actor.id, "identity removed", actor.session.id);
}
