import { allowPerson } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { isForeignKeyViolation, isUniqueViolation } from "../../kernel/postgres-error.ts";
import { forgetCallersOf } from "./callers.ts";
import { countHoldings, deleteOwner, liveRunsOf } from "./holdings.repo.ts";
import * as errors from "./users.errors.ts";
import { findMember } from "./users.repo.ts";
import { findInferior, refuseUnchanged, userTarget } from "./users.service.ts";

/**
 * Deletes an account. What it owns has files, pools and machines behind it and never goes along: without `heirId` an
 * account that owns anything stays.
 */
export async function deleteUser(ctx: Ctx, id: string, heirId: string | undefined): Promise<void> {
  const actor = allowPerson(ctx, "users:write");
  if (id === actor.id) throw errors.ownAccount();
  const { account } = await findInferior(ctx, actor, id);
  if (heirId !== undefined && (heirId === id || !(await findMember(ctx.db, heirId))))
    throw errors.transferTargetUnknown();
  const isDeleted = await refusingConflicts(deleteOwner(ctx.db, id, heirId ?? null));
  if (!isDeleted) return refuseKept(ctx, id, heirId);
  forgetCallersOf(id);
  if (heirId !== undefined) ctx.background("users.tell_feeds", tellFeeds(ctx, heirId));
  await ctx.audit({
    action: "user.deleted",
    target: userTarget(id),
    details: { email: account.email, transfer_to: heirId },
  });
}

async function refusingConflicts<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isUniqueViolation(error)) throw errors.transferConflict();
    if (isForeignKeyViolation(error)) throw errors.transferTargetUnknown();
    throw error;
  }
}

/** With an heir, things are left only where the account itself has to stay. */
async function refuseKept(ctx: Ctx, id: string, heirId: string | undefined): Promise<never> {
  const holdings = await countHoldings(ctx.db, id);
  const ownsThings = Object.values(holdings).some((count) => count > 0);
  if (ownsThings && heirId === undefined) throw errors.ownsThings(holdings);
  return refuseUnchanged(ctx, id);
}

/** The feed of a run that goes on remembers whose it is. */
async function tellFeeds(ctx: Ctx, ownerId: string): Promise<void> {
  for (const runId of await liveRunsOf(ctx.db, ownerId)) await ctx.feeds.of(runId).sync();
}
