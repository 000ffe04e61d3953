import { type FeedRefusal, type FeedWriter, TERMINAL } from "../../kernel/ports/run-feeds.ts";
import type { FeedMeta } from "./feed-store.ts";

const KEEP_FINISHED_MS = 7 * 24 * 3_600_000;

/** Why a feed takes nothing from this writer, if so. Another's run does not exist. */
export function refuse(meta: FeedMeta | undefined, writer: FeedWriter): FeedRefusal | undefined {
  if (!meta || !mayWrite(meta, writer)) return { ok: false, reason: "not_found" };
  const { status } = meta;
  return TERMINAL.has(status) ? { ok: false, reason: "finished", status } : undefined;
}

const mayWrite = ({ agentId, ownerId }: FeedMeta, writer: FeedWriter): boolean =>
  writer.kind === "agent" ? agentId === writer.agentId : writer.scope === null || writer.scope === ownerId;

export const hasEnded = (meta: FeedMeta | undefined): boolean =>
  meta !== undefined && TERMINAL.has(meta.status);

const ORDER = { pending: 0, running: 1, completed: 2, failed: 2, stopped: 2 };

/**
 * Whether the row may have come to this since; an answer that was long on its way must not turn back the clock. A run
 * that waits again does so for its next attempt.
 */
export function isNews(before: FeedMeta, meta: FeedMeta): boolean {
  if (hasEnded(before)) return false;
  const ahead = (meta.attempt ?? 1) - (before.attempt ?? 1);
  return ahead > 0 || (ahead === 0 && ORDER[meta.status] >= ORDER[before.status]);
}

/** When the run's agent counts as lost, in epoch milliseconds; never for a run that no agent holds. */
export const leaseEnd = ({ status, leaseExpiresAt }: FeedMeta): number =>
  status === "running" ? (leaseExpiresAt ?? Infinity) : Infinity;

/** When the archive alone is to hold the run's history. */
export const expiryOf = ({ completedAt }: FeedMeta): number =>
  completedAt === null ? Infinity : completedAt + KEEP_FINISHED_MS;
