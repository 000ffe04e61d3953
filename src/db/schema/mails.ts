import { index, integer, pgTable, text } from "drizzle-orm/pg-core";
import { at, createdAt, id } from "./columns.ts";

/** Mail as it was handed over. Subject and text are kept only in the outbox, encrypted, since they hold one-time links. */
export const mails = pgTable(
  "mails",
  {
    id: id(),
    /** What it is about, `verify-email` for example. */
    kind: text("kind").notNull(),
    recipient: text("recipient").notNull(),
    /** `outbox`, `sent` or `failed`. */
    status: text("status").notNull(),
    /** The message, encrypted; only where the outbox is all there is. */
    sealedMessage: text("sealed_message"),
    attempts: integer("attempts").notNull().default(0),
    error: text("error"),
    createdAt: createdAt(),
    sentAt: at("sent_at"),
  },
  (t) => [index("mails_created_at").on(t.createdAt)],
);

export type MailRow = typeof mails.$inferSelect;
