import type { Actor } from "./actor.ts";
import type { Client } from "./ctx.ts";
import type { AuditEvent, AuditInput } from "./ports/audit-trail.ts";

type Who = NonNullable<AuditInput["actor"]>;

function whoIs(actor: Actor): Who {
  if (actor.kind === "user")
    return { kind: actor.tokenId === null ? "user" : "token", id: actor.id, name: actor.email };
  if (actor.kind === "agent") return { kind: "agent", id: actor.id, name: actor.name };
  if (actor.kind === "run") return { kind: "run", id: actor.id, name: null };
  return { kind: "anonymous", id: null, name: null };
}

interface Asked {
  actor: Actor;
  requestId: string;
  client: Client;
  now: Date;
}

const storableText = (text: string): string => text.toWellFormed().replaceAll("\0", "\uFFFD");

/** A value with every text in it made such that the trail can hold it: one event it cannot would stop all others. */
function storable(value: unknown): unknown {
  if (typeof value === "string") return storableText(value);
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [storableText(key), storable(part)]));
}

/** What a verb says happened, with what its request knows. */
export function auditEventOf(input: AuditInput, { actor, requestId, client, now }: Asked): AuditEvent {
  const who = input.actor ?? whoIs(actor);
  const tokenId = actor.kind === "user" ? actor.tokenId : null;
  return {
    at: now.toISOString(),
    actorKind: who.kind,
    actorId: who.id,
    actorName: who.name,
    action: input.action,
    targetType: input.target?.type ?? null,
    targetId: input.target?.id ?? null,
    outcome: input.outcome ?? "ok",
    ip: client.ip,
    requestId,
    details: {
      ...(storable(input.details ?? {}) as Record<string, unknown>),
      ...(tokenId !== null && { token_id: tokenId }),
    },
  };
}
