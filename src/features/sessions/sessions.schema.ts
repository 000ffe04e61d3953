import type { SessionRow } from "../../db/schema.ts";
import { Timestamp, z } from "#http/contract";
import { User } from "../accounts/index.ts";

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

export const Refresh = z.object({ refresh_token: z.string().min(1).max(4096) }).openapi("Refresh");

export const Session = z
  .object({
    id: z.uuid(),
    current: z.boolean().openapi({ description: "Whether it is the one this request belongs to." }),
    methods: z.array(z.string()).openapi({ example: ["password", "totp"] }),
    ip: z.string().nullable(),
    user_agent: z.string().nullable(),
    created_at: Timestamp,
    last_used_at: Timestamp.openapi({ description: "When it was last refreshed." }),
    expires_at: Timestamp.openapi({ description: "Unless it is refreshed before." }),
    max_expires_at: Timestamp.openapi({ description: "Whatever happens." }),
  })
  .openapi("Session");
export type Session = z.infer<typeof Session>;

export const EndedSessions = z.object({ ended: z.number().int() }).openapi("EndedSessions");

export const toSession = (row: SessionRow, currentId: string | undefined): Session => ({
  id: row.id,
  current: row.id === currentId,
  methods: row.methods,
  ip: row.ip,
  user_agent: row.userAgent,
  created_at: row.createdAt.toISOString(),
  last_used_at: row.refreshedAt.toISOString(),
  expires_at: new Date(Math.min(row.expiresAt.getTime(), row.maxExpiresAt.getTime())).toISOString(),
  max_expires_at: row.maxExpiresAt.toISOString(),
});
