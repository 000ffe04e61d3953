import { z } from "#http/contract";

/** An address as accounts are known by: trimmed, in lower case, of a form mail can be sent to. */
export const EmailAddress = z
  .string()
  .trim()
  .max(254)
  .pipe(z.email("is not an e-mail address"))
  .transform((email) => email.toLowerCase())
  .openapi({ format: "email" });

const codePoints = (text: string) => [...text].length;

/** A password to be: length is the only rule of form, counted in code points; kept in NFC. */
export const NewPassword = z
  .string()
  .max(1024)
  .transform((text) => text.normalize("NFC"))
  .refine((text) => codePoints(text) >= 12, "must have at least 12 characters")
  .refine((text) => codePoints(text) <= 128, "must have at most 128 characters");

/** A password to be checked against what is stored: as received, since it may be older than our rules. */
export const GivenPassword = z.string().min(1).max(1024);

export const PersonName = z.string().trim().min(1).max(100);
