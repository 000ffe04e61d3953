import { allow, allowPerson, type Permission, type Role, type SignedInUser } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { type Page, type Paged, paged } from "../../kernel/page.ts";
import { isForeignKeyViolation, isUniqueViolation } from "../../kernel/postgres-error.ts";
import { insertAccount, refuseOutranked } from "../accounts/index.ts";
import { findRole } from "../roles/index.ts";
import { forgetCallersOf } from "./callers.ts";
import { mailAddressCheck, mailPasswordLink } from "./user-mails.service.ts";
import * as errors from "./users.errors.ts";
import * as repo from "./users.repo.ts";
import { type AdminUser, type CreateUser, toAdminUser, type UpdateUser } from "./users.schema.ts";

export const userTarget = (id: string) => ({ type: "user", id });

export async function listUsers(ctx: Ctx, filter: repo.UserFilter, page: Page): Promise<Paged<AdminUser>> {
  allow(ctx, "users:read");
  const { items, next } = paged(await repo.listUsers(ctx.db, filter, page), page.limit);
  return { items: items.map(toAdminUser), ...(next && { next }) };
}

async function getMember(ctx: Ctx, id: string): Promise<repo.Member> {
  const member = await repo.findMember(ctx.db, id);
  if (!member) throw errors.userNotFound();
  return member;
}

/** What a change made of an account; whoever may make it need not be one who may look accounts up. */
export const showUser = async (ctx: Ctx, id: string): Promise<AdminUser> =>
  toAdminUser((await getMember(ctx, id)).account);

export async function getUser(ctx: Ctx, id: string): Promise<AdminUser> {
  allow(ctx, "users:read");
  return showUser(ctx, id);
}

/** An account the caller may act on. */
export async function findInferior(ctx: Ctx, actor: SignedInUser, id: string): Promise<repo.Member> {
  const member = await getMember(ctx, id);
  const { account, role: custom } = member;
  refuseOutranked(actor, { role: account.role, custom, denied: account.denied });
  return member;
}

interface Rank {
  role: Role;
  customRole: string | null;
  custom: { permissions: string[]; denied: string[] } | null;
}

/** A custom role brings its base with it. */
async function customRank(ctx: Ctx, name: string, role: Role | undefined): Promise<Rank> {
  const custom = await findRole(ctx.db, name);
  if (!custom) throw errors.roleUnknown(name);
  if (role !== undefined && role !== custom.base) throw errors.roleMismatch(custom.base);
  return { role: custom.base, customRole: name, custom };
}

/** Makes an account its owner gets a link to choose a password for. */
export async function createUser(ctx: Ctx, input: CreateUser): Promise<AdminUser> {
  const actor = allowPerson(ctx, "users:write");
  const { email, name, role, custom_role: roleName } = input;
  const rank: Rank =
    roleName === undefined
      ? { role: role ?? "user", customRole: null, custom: null }
      : await customRank(ctx, roleName, role);
  refuseOutranked(actor, { ...rank, denied: [] });
  const { role: base, customRole } = rank;
  const user = { email, name, role: base, customRole, approvedAt: ctx.now };
  const account = await refusingUnknownRole(insertAccount(ctx.db, user), customRole);
  if (!account) throw errors.emailTaken();
  mailPasswordLink(ctx, account, false);
  await ctx.audit({
    action: "user.created",
    target: userTarget(account.id),
    details: { role: base, custom_role: customRole },
  });
  return toAdminUser(account);
}

/** A role may be deleted after it was looked up; the database then refuses the reference. */
async function refusingUnknownRole<T>(work: Promise<T>, name: string | null): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (name !== null && isForeignKeyViolation(error)) throw errors.roleUnknown(name);
    if (isUniqueViolation(error)) throw errors.emailTaken();
    throw error;
  }
}

/** What an update makes of somebody's role; a role given by name takes a custom one away. */
async function rankAfter(ctx: Ctx, { account, role: custom }: repo.Member, input: UpdateUser): Promise<Rank> {
  const { role, custom_role: roleName } = input;
  if (typeof roleName === "string") return customRank(ctx, roleName, role);
  if (role === undefined && roleName === undefined)
    return { role: account.role, customRole: account.customRole, custom };
  return { role: role ?? account.role, customRole: null, custom: null };
}

/** What changes of somebody's standing, if anything; refused for oneself and beyond what the caller may do. */
async function standingChange(
  ctx: Ctx,
  actor: SignedInUser,
  member: repo.Member,
  input: UpdateUser,
): Promise<repo.UserChange> {
  const { account } = member;
  const { role, customRole, custom } = await rankAfter(ctx, member, input);
  const denied = input.denied ?? (account.denied as Permission[]);
  const isSameSet =
    denied.length === account.denied.length && denied.every((name) => account.denied.includes(name));
  if (role === account.role && customRole === account.customRole && isSameSet) return {};
  if (account.id === actor.id) throw errors.ownAccount();
  refuseOutranked(actor, { role, custom, denied });
  return { role, customRole, denied };
}

/** Changes an account. Its role, and what is denied to it, take effect at once. */
export async function updateUser(ctx: Ctx, id: string, input: UpdateUser): Promise<AdminUser> {
  const actor = allowPerson(ctx, "users:write");
  const member = await findInferior(ctx, actor, id);
  const { account } = member;
  const isMoved = input.email !== undefined && input.email !== account.email;
  const change: repo.UserChange = {
    ...(input.name !== undefined && { name: input.name }),
    ...(isMoved && { email: input.email!, emailVerifiedAt: null }),
    ...(await standingChange(ctx, actor, member, input)),
  };
  if (Object.keys(change).length === 0) return toAdminUser(account);
  const done = await refusingUnknownRole(
    repo.updateUser(ctx.db, id, change, ctx.now),
    change.customRole ?? null,
  );
  if (!done) await refuseUnchanged(ctx, id);
  forgetCallersOf(id);
  if (isMoved) mailAddressCheck(ctx, { ...account, ...change }, account.email);
  await auditUpdate(ctx, account, change);
  return showUser(ctx, id);
}

/** Why a change that was let through by everything else was not made. */
export async function refuseUnchanged(ctx: Ctx, id: string): Promise<never> {
  throw (await repo.findMember(ctx.db, id)) ? errors.lastAdmin() : errors.userNotFound();
}

async function auditUpdate(ctx: Ctx, before: repo.Member["account"], change: repo.UserChange): Promise<void> {
  const { role, customRole, denied } = change;
  await ctx.audit({
    action: "user.updated",
    target: userTarget(before.id),
    details: {
      fields: Object.keys(change),
      ...(role !== undefined && {
        role: { from: before.customRole ?? before.role, to: customRole ?? role },
        denied,
      }),
    },
  });
}
