import type { IdentityRow } from "../../db/schema.ts";
import { Timestamp, z } from "#http/contract";

export const Identity = z
  .object({
    id: z.uuid(),
    provider: z.string().openapi({ description: "Its name in the configuration; `ldap` for the directory." }),
    issuer: z.string(),
    subject: z.string(),
    email: z.string().nullable().openapi({ description: "What the provider said at the last sign-in." }),
    created_at: Timestamp,
    last_login_at: Timestamp.nullable(),
  })
  .openapi("Identity");
export type Identity = z.infer<typeof Identity>;

export const toIdentity = (row: IdentityRow): Identity => ({
  id: row.id,
  provider: row.provider,
  issuer: row.issuer,
  subject: row.subject,
  email: row.email,
  created_at: row.createdAt.toISOString(),
  last_login_at: row.lastLoginAt?.toISOString() ?? null,
});
