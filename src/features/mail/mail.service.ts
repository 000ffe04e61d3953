import type { MailRow } from "../../db/schema.ts";
import { allowPerson, isFullAdmin } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { type Page, type Paged, paged } from "../../kernel/page.ts";
import { composeMail, type ComposedMail, type Letter } from "./compose.ts";
import type { OutboxMail } from "./mail.schema.ts";
import * as repo from "./mail.repo.ts";
import { openMail, sealMail, UNREADABLE } from "./sealed-mail.service.ts";

type Deps = Pick<Ctx, "db" | "now" | "log" | "sealer" | "mailer">;

async function deliver(ctx: Deps, id: string, to: string, mail: ComposedMail): Promise<void> {
  if (!ctx.mailer) return;
  try {
    await ctx.mailer.send({ ...mail, to, idempotencyKey: id });
    await repo.markSent(ctx.db, id, ctx.now);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    ctx.log("warn", "mail.not_delivered", { mail_id: id, error });
    await repo.markFailed(ctx.db, id, text.slice(0, 300));
  }
}

/**
 * Writes a mail down and, where a mailer is configured, delivers it; what fails is tried again by the sweep. Without a
 * mailer the outbox is where it stays.
 */
export async function sendMail(ctx: Deps, kind: string, to: string, letter: Letter): Promise<void> {
  const mail = composeMail(letter);
  const id = crypto.randomUUID();
  const sealedMessage = await sealMail(ctx, id, mail);
  const status = ctx.mailer ? "failed" : "outbox";
  await repo.insertMail(ctx.db, { id, kind, recipient: to, status, sealedMessage, createdAt: ctx.now });
  await deliver(ctx, id, to, mail);
}

const MAX_ATTEMPTS = 8;
const RETRY_WITHIN_MS = 24 * 3_600_000;
const RETRIED_AT_ONCE = 20;
const KEEP_MS = 14 * 86_400_000;

/** Tries again what was not delivered, and forgets mail after two weeks. */
export async function sweepMails(ctx: Deps): Promise<number> {
  const since = new Date(ctx.now.getTime() - RETRY_WITHIN_MS);
  const due = ctx.mailer ? await repo.findUndelivered(ctx.db, MAX_ATTEMPTS, since, RETRIED_AT_ONCE) : [];
  for (const row of due) {
    const mail = await openMail(ctx, row);
    if (mail) await deliver(ctx, row.id, row.recipient, mail);
    else await repo.giveUp(ctx.db, row.id, UNREADABLE, MAX_ATTEMPTS);
  }
  return due.length + (await repo.deleteMails(ctx.db, new Date(ctx.now.getTime() - KEEP_MS)));
}

async function present(ctx: Ctx, row: MailRow, mayRead: boolean): Promise<OutboxMail> {
  const isHere = row.status === "outbox" && row.sealedMessage !== null;
  const mail = isHere && mayRead ? await openMail(ctx, row) : undefined;
  return {
    id: row.id,
    kind: row.kind,
    to: row.recipient,
    status: row.status as OutboxMail["status"],
    subject: mail?.subject ?? null,
    text: mail?.text ?? null,
    error: isHere && mayRead && !mail ? UNREADABLE : row.error,
    attempts: row.attempts,
    created_at: row.createdAt.toISOString(),
    sent_at: row.sentAt?.toISOString() ?? null,
  };
}

/**
 * What was mailed, newest first. Links in it let whoever reads them act for others, whatever those may do: what a mail
 * says is for administrators who may do everything already.
 */
export async function listMails(ctx: Ctx, page: Page): Promise<Paged<OutboxMail>> {
  const mayRead = isFullAdmin(allowPerson(ctx, "mail:read"));
  const { items, next } = paged(await repo.listMails(ctx.db, page), page.limit);
  await ctx.audit({ action: "mail.listed" });
  return { items: await Promise.all(items.map((row) => present(ctx, row, mayRead))), ...(next && { next }) };
}
