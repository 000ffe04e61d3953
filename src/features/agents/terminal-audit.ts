import type { AuditEvent } from "../../kernel/ports/audit-trail.ts";
import type { TerminalEnd, TerminalRecord } from "./terminal-store.ts";

interface About {
  action: string;
  now: number;
  details: Record<string, unknown>;
}

const eventOf = (record: TerminalRecord, { action, now, details }: About): AuditEvent => ({
  at: new Date(now).toISOString(),
  actorKind: "user",
  actorId: record.userId,
  actorName: record.userName,
  action,
  targetType: "terminal",
  targetId: record.id,
  outcome: "ok",
  ip: record.ip,
  requestId: null,
  details,
});

/** The end of a terminal as the audit trail is told of it, by the one whose it was. */
export const endEvent = (
  agentId: string,
  record: TerminalRecord,
  end: TerminalEnd,
  now: number,
): AuditEvent => {
  const seconds = Math.round((now - record.openedAt) / 1000);
  return eventOf(record, { action: "terminal.ended", now, details: { agent_id: agentId, seconds, ...end } });
};

/** Something that became of a terminal's recording. */
export const recordingEvent = (
  agentId: string,
  record: TerminalRecord,
  action: string,
  now: number,
): AuditEvent => eventOf(record, { action, now, details: { agent_id: agentId } });
