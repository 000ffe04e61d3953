import { ROLES } from "../../kernel/actor.ts";
import type { UserRow } from "../../db/schema.ts";
import { Timestamp, z } from "#http/contract";

export const User = z
  .object({
    id: z.uuid(),
    email: z.string(),
    name: z.string(),
    role: z.enum(ROLES),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .openapi("User");
export type User = z.infer<typeof User>;

const Email = z
  .string()
  .trim()
  .max(254)
  .pipe(z.email("is not an e-mail address"))
  .transform((email) => email.toLowerCase());

const codePoints = (text: string) => [...text].length;

/** New passwords: length is the only composition rule; counted in code points, kept in NFC. */
const NewPassword = z
  .string()
  .max(1024)
  .transform((text) => text.normalize("NFC"))
  .refine((text) => codePoints(text) >= 12, "must have at least 12 characters")
  .refine((text) => codePoints(text) <= 128, "must have at most 128 characters");

export const Register = z
  .object({ email: Email, name: z.string().trim().min(1).max(100), password: NewPassword })
  .openapi("Register");
export type Register = z.infer<typeof Register>;

export const Registered = z
  .object({ success: z.literal(true), message: z.string(), user: User })
  .openapi("Registered");

export const Login = z
  .object({
    email: z
      .string()
      .max(254)
      .transform((email) => email.trim().toLowerCase()),
    password: z
      .string()
      .min(1)
      .max(1024)
      .transform((text) => text.normalize("NFC")),
  })
  .openapi("Login");
export type Login = z.infer<typeof Login>;

export const Refresh = z.object({ refresh_token: z.string().min(1).max(4096) }).openapi("Refresh");

export const SignedIn = z
  .object({
    access_token: z.string(),
    token: z.string().openapi({ description: "The same as `access_token`." }),
    refresh_token: z
      .string()
      .openapi({ description: "Good for one use; the answer to it carries the next one." }),
    token_type: z.literal("Bearer"),
    expires_in: z.number().int().openapi({ description: "Seconds the access token is valid." }),
    requires_mfa: z.literal(false),
    user: User,
  })
  .openapi("SignedIn");
export type SignedIn = z.infer<typeof SignedIn>;

export const toUser = (row: UserRow): User => ({
  id: row.id,
  email: row.email,
  name: row.name,
  role: row.role,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
});
