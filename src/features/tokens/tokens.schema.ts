import type { ApiTokenRow } from "../../db/schema.ts";
import { Timestamp, z } from "#http/contract";
import { PERMISSION_NAMES } from "../../kernel/actor.ts";
import { parseRange } from "./address-range.ts";

const Scope = z.enum(["*", ...PERMISSION_NAMES]);
export type TokenScope = z.infer<typeof Scope>;

const Scopes = z
  .array(Scope)
  .min(1)
  .max(100)
  .transform((scopes) => [...new Set(scopes)])
  .openapi({
    description: "Permissions it narrows its owner's to; `*` leaves them as they are.",
    example: ["runs:read", "inference:predict"],
  });

const AllowedIps = z
  .array(z.string().max(64))
  .max(100)
  .refine((ranges) => ranges.every(parseRange), "must hold IPv4 or IPv6 addresses and networks (CIDR) only")
  .openapi({
    description: "Where it may be used from; empty for anywhere.",
    example: ["192.0.2.7", "2001:db8::/32"],
  });

const RequestsPerMinute = z
  .number()
  .int()
  .min(1)
  .max(1_000_000)
  .nullable()
  .openapi({ description: "Its own limit; none when null." });

const TokenName = z.string().trim().min(1).max(100);

export const ApiToken = z
  .object({
    id: z.uuid(),
    user_id: z.uuid(),
    name: z.string(),
    hint: z.string().openapi({ description: "How it ends." }),
    scopes: z.array(z.string()),
    allowed_ips: z.array(z.string()),
    requests_per_minute: z.number().int().nullable(),
    expired: z.boolean(),
    expires_at: Timestamp.nullable(),
    last_used_at: Timestamp.nullable().openapi({ description: "To the minute." }),
    last_used_ip: z.string().nullable(),
    created_at: Timestamp,
    rotated_at: Timestamp.nullable(),
  })
  .openapi("ApiToken");
export type ApiToken = z.infer<typeof ApiToken>;

export const IssuedApiToken = ApiToken.extend({
  token: z.string().openapi({ description: "Shown this once; sent as `X-API-Token` or Bearer." }),
}).openapi("IssuedApiToken");
export type IssuedApiToken = z.infer<typeof IssuedApiToken>;

export const CreateApiToken = z
  .object({
    name: TokenName,
    scopes: Scopes,
    allowed_ips: AllowedIps.default([]),
    requests_per_minute: RequestsPerMinute.default(null),
    expires_at: Timestamp.refine((at) => Date.parse(at) > Date.now(), "is not in the future")
      .nullable()
      .default(null),
  })
  .openapi("CreateApiToken");
export type CreateApiToken = z.infer<typeof CreateApiToken>;

export const UpdateApiToken = z
  .object({
    name: TokenName.optional(),
    scopes: Scopes.optional().openapi({ description: "May be narrowed, never widened." }),
    allowed_ips: AllowedIps.optional(),
    requests_per_minute: RequestsPerMinute.optional(),
  })
  .openapi("UpdateApiToken");
export type UpdateApiToken = z.infer<typeof UpdateApiToken>;

export const toApiToken = (row: ApiTokenRow, now: Date): ApiToken => ({
  id: row.id,
  user_id: row.userId,
  name: row.name,
  hint: row.hint,
  scopes: row.scopes,
  allowed_ips: row.allowedIps,
  requests_per_minute: row.requestsPerMinute,
  expired: row.expiresAt !== null && row.expiresAt <= now,
  expires_at: row.expiresAt?.toISOString() ?? null,
  last_used_at: row.lastUsedAt?.toISOString() ?? null,
  last_used_ip: row.lastUsedIp,
  created_at: row.createdAt.toISOString(),
  rotated_at: row.rotatedAt?.toISOString() ?? null,
});
