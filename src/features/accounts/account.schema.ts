import { Timestamp, z } from "#http/contract";
import { ROLES } from "../../kernel/actor.ts";
import type { Account } from "./accounts.repo.ts";
import { isProtected } from "./protection.ts";

export const User = z
  .object({
    id: z.uuid(),
    email: z.string(),
    name: z.string(),
    role: z.enum(ROLES),
    custom_role: z
      .string()
      .nullable()
      .openapi({ description: "The role an administrator made, which stands in for `role`." }),
    email_verified: z.boolean(),
    approved: z.boolean(),
    mfa_enabled: z.boolean(),
    totp_enabled: z.boolean(),
    webauthn_enabled: z.boolean(),
    mfa_verified: z
      .boolean()
      .openapi({ description: "Whether this session was opened with a second factor." }),
    last_login_at: Timestamp.nullable(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .openapi("User");
export type User = z.infer<typeof User>;

/** An account as its owner and administrators see it. */
export const toUser = (account: Account, mfaVerified = false): User => ({
  id: account.id,
  email: account.email,
  name: account.name,
  role: account.role,
  custom_role: account.customRole,
  email_verified: account.emailVerifiedAt !== null,
  approved: account.approvedAt !== null,
  mfa_enabled: isProtected(account),
  totp_enabled: account.hasTotp,
  webauthn_enabled: account.passkeyCount > 0,
  mfa_verified: mfaVerified,
  last_login_at: account.lastLoginAt?.toISOString() ?? null,
  created_at: account.createdAt.toISOString(),
  updated_at: account.updatedAt.toISOString(),
});
