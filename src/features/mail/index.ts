/**
 * Mail to people: composed here, kept in the outbox, delivered where a mailer is configured.
 * Table: mails (the message itself only encrypted, and only until it is delivered). No blobs, no objects.
 */
export { composeMail, type Letter, linkWith } from "./compose.ts";
export { mailRoutes } from "./mail.routes.ts";
export { sweepSealedMails } from "./sealed-mail.service.ts";
export { sendMail, sweepMails } from "./mail.service.ts";
