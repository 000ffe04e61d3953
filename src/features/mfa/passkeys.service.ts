import { allowPerson } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { allowFactorChange, factorRemoved, requireFactorLeft } from "./factors.service.ts";
import { passkeyNotFound } from "./mfa.errors.ts";
import { type Passkey, toPasskey } from "./passkeys.schema.ts";
import * as repo from "./passkeys.repo.ts";

/** The caller's passkeys, oldest first. */
export async function listPasskeys(ctx: Ctx): Promise<Passkey[]> {
  const { id } = allowPerson(ctx, "account:self");
  return (await repo.findPasskeysOf(ctx.db, id)).map(toPasskey);
}

export async function renamePasskey(ctx: Ctx, id: string, name: string): Promise<Passkey> {
  const actor = allowPerson(ctx, "account:self");
  const row = await repo.renamePasskey(ctx.db, actor.id, id, name);
  if (!row) throw passkeyNotFound();
  await ctx.audit({ action: "passkey.renamed", target: { type: "passkey", id }, details: { name } });
  return toPasskey(row);
}

/** Removes one of the caller's passkeys. */
export async function deletePasskey(ctx: Ctx, id: string): Promise<void> {
  const actor = allowPerson(ctx, "account:self");
  const row = await repo.findPasskey(ctx.db, actor.id, id);
  if (!row) throw passkeyNotFound();
  const { account } = await allowFactorChange(ctx);
  requireFactorLeft(ctx, account, account.hasTotp || account.passkeyCount > 1);
  if (!(await repo.deletePasskey(ctx.db, actor.id, id))) throw passkeyNotFound();
  await ctx.audit({
    action: "passkey.removed",
    target: { type: "passkey", id },
    details: { name: row.name },
  });
  await factorRemoved(ctx, account, `The passkey “${row.name}” was removed`);
}
