export type AuditOutcome = "ok" | "refused" | "failed";

/** What a verb says of what happened; the rest the context knows. */
export interface AuditInput {
  /** `noun.verb`, such as `session.opened`. */
  action: string;
  outcome?: AuditOutcome;
  target?: { type: string; id: string };
  /** Small, and free of secrets. */
  details?: Record<string, unknown>;
  /** Whom it is about, where the caller is not (yet) known by the request: a sign-in. */
  actor?: { kind: AuditActorKind; id: string | null; name: string | null };
}

export type AuditActorKind = "user" | "token" | "agent" | "run" | "anonymous" | "system";

/** One event, as it is chained and stored. */
export interface AuditEvent {
  /** RFC 3339, UTC, milliseconds. */
  at: string;
  actorKind: AuditActorKind;
  actorId: string | null;
  actorName: string | null;
  action: string;
  targetType: string | null;
  targetId: string | null;
  outcome: AuditOutcome;
  ip: string | null;
  requestId: string | null;
  details: Record<string, unknown>;
}

/** The end of the chain: how many events there are, and the hash of the last. */
export interface AuditHead {
  seq: number;
  hash: string;
}

/** The one place where events get their place in the chain. */
export interface AuditTrail {
  /** Durable once it returns. */
  append(events: AuditEvent[]): Promise<void>;
  /** Writes everything accepted so far to the table and says where the chain ends. */
  sync(): Promise<AuditHead>;
}
