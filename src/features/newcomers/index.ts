/**
 * What a new account goes through before it is let in, by whichever way it came: the mails that verify its address and
 * that ask an administrator.
 * No tables of its own (links in one_time_tokens), no blobs, no objects.
 */
export { askForApproval, mailVerification } from "./newcomers.service.ts";
