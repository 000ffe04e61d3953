import { allowPerson, type SignedInUser } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { isPasswordOf } from "../accounts/index.ts";
import { markAuthenticated } from "../sessions/index.ts";
import { ownAccount } from "./factors.service.ts";
import { noPasskey, wrongPassword } from "./mfa.errors.ts";
import { auditRefusal, limitAttempts } from "./mfa-step.service.ts";
import { askForPasskey, type Occasion, provePasskey } from "./passkey-proof.service.ts";
import { findPasskeysOf } from "./passkeys.repo.ts";
import type { Reauthenticate, Reauthenticated } from "./reauthenticate.schema.ts";
import { takeTotpCode } from "./totp.service.ts";
import type { RequestOptions } from "./webauthn.schema.ts";

const withinSession = ({ id, session }: SignedInUser): Occasion => ({
  bond: `session:${session.id}`,
  userId: id,
  mustVerifyUser: false,
});

/** Options for showing one of the caller's passkeys again. */
export async function startReauthentication(ctx: Ctx): Promise<RequestOptions> {
  const actor = allowPerson(ctx, "account:self");
  const known = await findPasskeysOf(ctx.db, actor.id);
  if (known.length === 0) throw noPasskey();
  return askForPasskey(ctx, withinSession(actor), known);
}

async function checkPassword(ctx: Ctx, actor: SignedInUser, password: string): Promise<void> {
  if (await isPasswordOf(ctx, await ownAccount(ctx, actor), password)) return;
  await auditRefusal(ctx, actor.id, "password", "wrong_password");
  throw wrongPassword();
}

/** Checks what was shown, and says which second factor that was. */
async function prove(
  ctx: Ctx,
  actor: SignedInUser,
  { password, code, response }: Reauthenticate,
): Promise<string | undefined> {
  if (password !== undefined) await checkPassword(ctx, actor, password);
  if (code !== undefined) await takeTotpCode(ctx, actor.id, code);
  if (response) await provePasskey(ctx, response, withinSession(actor));
  return code !== undefined ? "totp" : response ? "passkey" : undefined;
}

/** Makes the session fresh again, by the password, a code or a passkey. */
export async function reauthenticate(ctx: Ctx, given: Reauthenticate): Promise<Reauthenticated> {
  const actor = allowPerson(ctx, "account:self");
  await limitAttempts(ctx, "reauth", actor.id);
  const factor = await prove(ctx, actor, given);
  await markAuthenticated(ctx, actor, factor);
  await ctx.audit({
    action: "session.reauthenticated",
    target: { type: "session", id: actor.session.id },
    details: { by: factor ?? "password" },
  });
  const factorAt = factor === undefined ? actor.session.factorAt : ctx.now;
  return { authenticated_at: ctx.now.toISOString(), factor_at: factorAt?.toISOString() ?? null };
}
