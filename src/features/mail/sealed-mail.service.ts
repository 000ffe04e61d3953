import type { MailRow } from "../../db/schema.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import type { ComposedMail } from "./compose.ts";
import * as repo from "./mail.repo.ts";

const contextOf = (id: string) => `mail:${id}`;

/** What is said of a mail instead of its text. */
export const UNREADABLE = "sealed with a key that is no longer configured";

export const sealMail = ({ sealer }: Pick<Ctx, "sealer">, id: string, mail: ComposedMail): Promise<string> =>
  sealer.seal(JSON.stringify(mail), contextOf(id));

/** What a mail says; nothing when it cannot be opened any more. */
export async function openMail(
  { sealer, log }: Pick<Ctx, "sealer" | "log">,
  { id, sealedMessage }: MailRow,
): Promise<ComposedMail | undefined> {
  try {
    return JSON.parse(await sealer.open(sealedMessage!, contextOf(id))) as ComposedMail;
  } catch (error) {
    log("warn", "mail.not_opened", { mail_id: id, error });
    return undefined;
  }
}

const REWRAPPED_AT_ONCE = 200;

/** Encrypts mails anew that still need an older key, so that it can be dropped from the configuration. */
export async function sweepSealedMails(ctx: Pick<Ctx, "db" | "sealer" | "log">): Promise<number> {
  const stale = await repo.findStale(ctx.db, ctx.sealer.olderPrefixes, REWRAPPED_AT_ONCE);
  for (const row of stale) {
    const mail = await openMail(ctx, row);
    if (mail) await repo.replaceSealed(ctx.db, row, await sealMail(ctx, row.id, mail));
  }
  return stale.length;
}
