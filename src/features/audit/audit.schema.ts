import type { AuditEventRow } from "../../db/schema.ts";
import { Timestamp, z } from "#http/contract";

export const AuditEvent = z
  .object({
    seq: z.number().int().openapi({ description: "Its place in the chain; there are no gaps." }),
    at: Timestamp,
    actor: z.object({
      kind: z.enum(["user", "token", "agent", "run", "anonymous", "system"]),
      id: z.string().nullable(),
      name: z.string().nullable().openapi({ description: "As it was called then." }),
    }),
    action: z.string().openapi({ example: "session.opened" }),
    target: z.object({ type: z.string().nullable(), id: z.string().nullable() }),
    outcome: z.enum(["ok", "refused", "failed"]),
    ip: z.string().nullable(),
    request_id: z.string().nullable(),
    details: z.record(z.string(), z.unknown()),
    hash: z.string(),
  })
  .openapi("AuditEvent");
export type AuditEvent = z.infer<typeof AuditEvent>;

export const AuditQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  before: z.coerce
    .number()
    .int()
    .min(1)
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .openapi({ description: "Only events before this `seq`; the `Link` header of a page names the next." }),
  actor_id: z.uuid().optional(),
  action: z
    .string()
    .max(200)
    .optional()
    .openapi({ description: "Exact, or `session.*` for everything that starts alike." }),
  outcome: z.enum(["ok", "refused", "failed"]).optional(),
  target_id: z.string().max(200).optional(),
  since: Timestamp.optional(),
  until: Timestamp.optional(),
});
export type AuditQuery = z.infer<typeof AuditQuery>;

export const AuditVerdict = z
  .object({
    valid: z.boolean(),
    checked: z.number().int().openapi({ description: "How many events were looked at." }),
    first_seq: z.number().int().nullable(),
    last_seq: z.number().int().nullable(),
    flaw: z
      .object({
        seq: z.number().int(),
        kind: z.enum(["changed", "missing", "relinked", "cut_off"]),
      })
      .nullable()
      .openapi({ description: "The first thing found wrong." }),
  })
  .openapi("AuditVerdict");
export type AuditVerdict = z.infer<typeof AuditVerdict>;

export const toAuditEvent = (row: AuditEventRow): AuditEvent => ({
  seq: row.seq,
  at: row.at.toISOString(),
  actor: { kind: row.actorKind as AuditEvent["actor"]["kind"], id: row.actorId, name: row.actorName },
  action: row.action,
  target: { type: row.targetType, id: row.targetId },
  outcome: row.outcome as AuditEvent["outcome"],
  ip: row.ip,
  request_id: row.requestId,
  details: row.details,
  hash: row.hash,
});
