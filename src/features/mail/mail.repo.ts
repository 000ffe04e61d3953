import { and, eq, isNotNull, lt, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { startsWithAny } from "#db/like";
import { behind, newestFirst } from "#db/page";
import { type MailRow, mails } from "#db/schema";
import type { Page } from "../../kernel/page.ts";

type NewMail = Pick<MailRow, "id" | "kind" | "recipient" | "status" | "sealedMessage" | "createdAt">;

export async function insertMail(db: Db, mail: NewMail): Promise<void> {
  await db.insert(mails).values(mail);
}

export async function markSent(db: Db, id: string, now: Date): Promise<void> {
  await db
    .update(mails)
    .set({ status: "sent", sentAt: now, sealedMessage: null, error: null, attempts: attempted })
    .where(eq(mails.id, id));
}

const attempted = sql`${mails.attempts} + 1`;

export async function markFailed(db: Db, id: string, error: string): Promise<void> {
  await db.update(mails).set({ status: "failed", error, attempts: attempted }).where(eq(mails.id, id));
}

/** Mails whose delivery failed fewer than `attempts` times and that were made after `since`. */
export function findUndelivered(db: Db, attempts: number, since: Date, limit: number): Promise<MailRow[]> {
  return db
    .select()
    .from(mails)
    .where(
      and(
        eq(mails.status, "failed"),
        lt(mails.attempts, attempts),
        isNotNull(mails.sealedMessage),
        sql`${mails.createdAt} > ${since}`,
      ),
    )
    .limit(limit);
}

/** Ends all trying at a mail. */
export async function giveUp(db: Db, id: string, error: string, attempts: number): Promise<void> {
  await db.update(mails).set({ status: "failed", error, attempts }).where(eq(mails.id, id));
}

/** Mails whose message starts in one of the given ways once encrypted. */
export async function findStale(db: Db, prefixes: readonly string[], limit: number): Promise<MailRow[]> {
  if (prefixes.length === 0) return [];
  return db.select().from(mails).where(startsWithAny(mails.sealedMessage, prefixes)).limit(limit);
}

/** Puts the same message, encrypted anew, in place of itself. */
export async function replaceSealed(db: Db, { id, sealedMessage }: MailRow, anew: string): Promise<void> {
  await db
    .update(mails)
    .set({ sealedMessage: anew })
    .where(and(eq(mails.id, id), eq(mails.sealedMessage, sealedMessage!)));
}

export function listMails(db: Db, { limit, after }: Page): Promise<MailRow[]> {
  return db
    .select()
    .from(mails)
    .where(behind(mails, after))
    .orderBy(...newestFirst(mails))
    .limit(limit + 1);
}

export async function deleteMails(db: Db, before: Date): Promise<number> {
  return (await db.delete(mails).where(lt(mails.createdAt, before)).returning({ id: mails.id })).length;
}
