import type { AuditEvent } from "../../kernel/ports/audit-trail.ts";
import type { TerminalEnd, TerminalRecord } from "./terminal-store.ts";

/** The end of a terminal as the audit trail is told of it, by the one whose it was. */
export const endEvent = (
  agentId: string,
  record: TerminalRecord,
  end: TerminalEnd,
  now: number,
): AuditEvent => ({
  at: new Date(now).toISOString(),
  actorKind: "user",
  actorId: record.userId,
  actorName: record.userName,
  action: "terminal.ended",
  targetType: "terminal",
  targetId: record.id,
  outcome: "ok",
  ip: record.ip,
  requestId: null,
  details: { agent_id: agentId, seconds: Math.round((now - record.openedAt) / 1000), ...end },
});
