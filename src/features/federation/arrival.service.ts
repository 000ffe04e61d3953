import type { Ctx } from "../../kernel/ctx.ts";
import type { ExternalPerson } from "../../kernel/ports/identity-provider.ts";
import { isUniqueViolation } from "../../kernel/postgres-error.ts";
import { type Account, EmailAddress, entryRefusal, findAccountByEmail } from "../accounts/index.ts";
import { askForApproval, mailVerification } from "../newcomers/index.ts";
import * as errors from "./federation.errors.ts";
import * as repo from "./identities.repo.ts";
import { mailNewIdentity } from "./identity-mail.ts";
import { changeRole } from "./role-change.repo.ts";

/** On what terms a provider's people come in. */
export interface Terms {
  provider: string;
  linkVerifiedEmail: boolean;
  /** What is for somebody unknown: nothing, what the registration policy says, or an account without further ado. */
  signup: "refused" | "by_policy" | "at_once";
}

const addressOf = ({ email }: ExternalPerson): string => {
  const parsed = EmailAddress.safeParse(email);
  if (!parsed.success) throw errors.addressMissing();
  return parsed.data;
};

const identityOf = ({ provider }: Terms, { issuer, subject, email }: ExternalPerson) => ({
  ...{ provider, issuer, subject, email },
});

/**
 * Adds the identity to the account that has its address. Both sides must have shown the address to be theirs: whoever
 * opened an account with somebody else's would otherwise wait in it for its owner.
 */
async function linkByAddress(
  ctx: Ctx,
  account: Account,
  terms: Terms,
  person: ExternalPerson,
): Promise<Account> {
  const isTheirs = person.emailVerified && account.emailVerifiedAt !== null;
  // It may have been opened in another tab a moment ago, by this identity.
  if (!terms.linkVerifiedEmail || !isTheirs) return winner(ctx, person);
  const refusal = entryRefusal(ctx.settings, account);
  if (refusal) throw refusal;
  const isNew = await repo.insertIdentity(ctx.db, { ...identityOf(terms, person), userId: account.id });
  if (!isNew) return winner(ctx, person);
  await noteLink(ctx, account, terms.provider);
  return account;
}

/** Whose the identity is, after the same person in another tab, or somebody else with the address, was faster. */
async function winner(ctx: Ctx, person: ExternalPerson): Promise<Account> {
  const account = await repo.findByIdentity(ctx.db, person);
  if (!account) throw errors.accountExists();
  return account;
}

/** Tells the trail and the account's owner that there is one more way in. */
export async function noteLink(ctx: Ctx, account: Account, provider: string): Promise<void> {
  await ctx.audit({
    action: "identity.linked",
    actor: { kind: "user", id: account.id, name: account.email },
    target: { type: "user", id: account.id },
    details: { provider },
  });
  ctx.background("mail.identity_linked", mailNewIdentity(ctx, account, provider));
}

function approvalOf(ctx: Ctx, { signup }: Terms): Date | null {
  const { registration } = ctx.settings;
  if (signup === "at_once") return ctx.now;
  if (signup === "refused" || registration === "closed") throw errors.signupClosed();
  return registration === "approve" ? null : ctx.now;
}

/** The first hundred characters; half of one could not be stored. */
const nameOf = ({ name }: ExternalPerson): string => [...(name ?? "").trim()].slice(0, 100).join("");

async function open(ctx: Ctx, email: string, terms: Terms, person: ExternalPerson): Promise<Account> {
  const newcomer = {
    id: crypto.randomUUID(),
    email,
    name: nameOf(person) || email.split("@")[0]!,
    role: person.role ?? ("user" as const),
    emailVerifiedAt: person.emailVerified ? ctx.now : null,
    approvedAt: approvalOf(ctx, terms),
  };
  const account = await repo.insertNewcomer(ctx.db, newcomer, identityOf(terms, person));
  await ctx.audit({
    action: "account.registered",
    actor: { kind: "user", id: account.id, name: account.email },
    target: { type: "user", id: account.id },
    details: { provider: terms.provider, role: account.role },
  });
  sendNewcomerMail(ctx, account);
  return account;
}

function sendNewcomerMail(ctx: Ctx, account: Account): void {
  const refusal = entryRefusal(ctx.settings, account);
  if (refusal?.code === "EMAIL_NOT_VERIFIED") ctx.background("mail.verify", mailVerification(ctx, account));
  if (refusal?.code === "AWAITING_APPROVAL") ctx.background("mail.approval", askForApproval(ctx, account));
}

async function welcome(ctx: Ctx, terms: Terms, person: ExternalPerson): Promise<Account> {
  const email = addressOf(person);
  const holder = await findAccountByEmail(ctx.db, email);
  if (holder) return linkByAddress(ctx, holder, terms, person);
  try {
    return await open(ctx, email, terms, person);
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    return winner(ctx, person);
  }
}

/** An account with the role its provider says it has, where that may be. */
async function withRole(
  ctx: Ctx,
  account: Account,
  { role }: ExternalPerson,
  provider: string,
): Promise<Account> {
  if (role === null || role === account.role) return account;
  const isDone = await changeRole(ctx.db, account.id, role, ctx.now);
  await ctx.audit({
    action: "user.role_mapped",
    outcome: isDone ? "ok" : "refused",
    target: { type: "user", id: account.id },
    details: { provider, from: account.role, to: role },
  });
  return isDone ? { ...account, role } : account;
}

/**
 * The account of somebody whom another system vouches for: by the identity, by the verified address where that is
 * configured, or a new one. It has the mapped role, and has not been asked yet whether it may come in.
 */
export async function arrive(ctx: Ctx, terms: Terms, person: ExternalPerson): Promise<Account> {
  const known = await repo.findByIdentity(ctx.db, person);
  const account = known ?? (await welcome(ctx, terms, person));
  await repo.noteUse(ctx.db, person, person.email, ctx.now);
  return withRole(ctx, account, person, terms.provider);
}
