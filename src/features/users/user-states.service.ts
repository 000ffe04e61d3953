import { allowPerson } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { endOneTime } from "../one-time-tokens/index.ts";
import { endSessionsOf } from "../sessions/index.ts";
import { forgetCallersOf } from "./callers.ts";
import { mailPasswordLink, mailWelcome } from "./user-mails.service.ts";
import { ownAccount } from "./users.errors.ts";
import * as repo from "./users.repo.ts";
import type { AdminUser } from "./users.schema.ts";
import { findInferior, refuseUnchanged, showUser, userTarget } from "./users.service.ts";

/** Shuts an account out at once: its sessions end, its API tokens and agents are refused while it lasts. */
export async function suspendUser(ctx: Ctx, id: string, reason: string | undefined): Promise<AdminUser> {
  const actor = allowPerson(ctx, "users:write");
  if (id === actor.id) throw ownAccount();
  await findInferior(ctx, actor, id);
  const change = { suspendedAt: ctx.now, suspendedReason: reason ?? null };
  if (!(await repo.updateUser(ctx.db, id, change, ctx.now))) await refuseUnchanged(ctx, id);
  forgetCallersOf(id);
  await endSessionsOf(ctx, id, "account suspended");
  await ctx.audit({ action: "user.suspended", target: userTarget(id), details: { reason } });
  return showUser(ctx, id);
}

/** Ends a suspension. Sessions that ended stay so; API tokens and agents work again. */
export async function activateUser(ctx: Ctx, id: string): Promise<AdminUser> {
  const actor = allowPerson(ctx, "users:write");
  await findInferior(ctx, actor, id);
  await repo.updateUser(ctx.db, id, { suspendedAt: null, suspendedReason: null }, ctx.now);
  await ctx.audit({ action: "user.activated", target: userTarget(id) });
  return showUser(ctx, id);
}

/** Lets in an account that waits for it, and tells its owner; one that was let in before stays as it is. */
export async function approveUser(ctx: Ctx, id: string): Promise<AdminUser> {
  const actor = allowPerson(ctx, "users:write");
  const { account } = await findInferior(ctx, actor, id);
  if (await repo.approveUser(ctx.db, id, ctx.now)) {
    await endOneTime(ctx, "approve-user", id);
    mailWelcome(ctx, account);
    await ctx.audit({ action: "user.approved", target: userTarget(id) });
  }
  return showUser(ctx, id);
}

/** Mails the account's owner a link to choose a password; until it is used, nothing changes. */
export async function resetPassword(ctx: Ctx, id: string): Promise<AdminUser> {
  const actor = allowPerson(ctx, "users:write");
  const { account } = await findInferior(ctx, actor, id);
  mailPasswordLink(ctx, account, account.passwordHash !== null);
  await ctx.audit({ action: "user.password_link_mailed", target: userTarget(id) });
  return showUser(ctx, id);
}
