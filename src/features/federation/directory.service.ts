import type { Ctx } from "../../kernel/ctx.ts";
import { AppError } from "../../kernel/errors.ts";
import type { Directory, DirectoryReply } from "../../kernel/ports/directory.ts";
import type { ExternalPerson } from "../../kernel/ports/identity-provider.ts";
import type { Account } from "../accounts/index.ts";
import { forgiveAttempts, takeAroundLock, takeAttempt } from "../lockouts/index.ts";
import { arrive, type Terms } from "./arrival.service.ts";
import * as errors from "./federation.errors.ts";
import { findByIdentity } from "./identities.repo.ts";

// Being in the directory is being let in: whoever keeps it decides.
const TERMS: Terms = { provider: "ldap", linkVerifiedEmail: false, signup: "at_once" };

/** The account a password opened; why it opened none, where that is to be told; or nothing but that it was wrong. */
export type DirectoryAnswer = { account: Account } | { refusal: AppError } | undefined;

const guessAt = (subject: string) => `directory:${subject}`;

/** Counts by the entry, since it answers to more spellings of its name than there could be counts. */
async function takeDirectoryAttempt(
  ctx: Ctx,
  issuer: string,
  subject: string,
): Promise<AppError | undefined> {
  const refusal = await takeAttempt(ctx, guessAt(subject));
  if (!refusal) return undefined;
  const account = await findByIdentity(ctx.db, { issuer, subject });
  return takeAroundLock(ctx, guessAt(subject), account?.id, refusal);
}

async function enter(ctx: Ctx, person: ExternalPerson): Promise<DirectoryAnswer> {
  ctx.background("auth.forgive", forgiveAttempts(ctx, guessAt(person.subject)));
  const known = await findByIdentity(ctx.db, person);
  // An account with a password of its own goes by that alone.
  if (known?.passwordHash) return undefined;
  try {
    return { account: await arrive(ctx, TERMS, person) };
  } catch (error) {
    if (error instanceof AppError) return { refusal: error };
    throw error;
  }
}

function refusalOf(ctx: Ctx, reply: Exclude<DirectoryReply, { ok: true }>): DirectoryAnswer {
  const { reason, detail } = reply;
  if (reason === "ambiguous") ctx.log("warn", "directory.ambiguous");
  if (reason !== "unavailable") return undefined;
  ctx.log("error", "directory.unavailable", { detail });
  return { refusal: errors.directoryOut() };
}

async function ask(ctx: Ctx, directory: Directory, username: string, password: string) {
  let held: AppError | undefined;
  const reply = await directory.authenticate(username, password, async (subject) => {
    held = await takeDirectoryAttempt(ctx, directory.issuer, subject);
    return held === undefined;
  });
  if (held) return { refusal: held };
  return reply.ok ? enter(ctx, reply.person) : refusalOf(ctx, reply);
}

/** Tries name and password on the directory, where there is one. */
export const signInByDirectory = async (
  ctx: Ctx,
  username: string,
  password: string,
): Promise<DirectoryAnswer> => (ctx.directory ? ask(ctx, ctx.directory, username, password) : undefined);

/**
 * Asks the directory as long, and fails where it would, for somebody it is not to be asked for: their password is kept
 * here, which must not show. The name is nobody's.
 */
export async function askDirectoryInVain(ctx: Ctx, username: string): Promise<DirectoryAnswer> {
  const answer = await signInByDirectory(ctx, `${username} is kept here`, crypto.randomUUID());
  return answer && "refusal" in answer ? answer : undefined;
}
