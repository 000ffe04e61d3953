import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { type AuditEvent, type AuditQuery, type AuditVerdict, toAuditEvent } from "./audit.schema.ts";
import * as repo from "./audit.repo.ts";
import { chainKey, type ChainedEvent, flawOf, GENESIS } from "./chain.ts";

/** Events, newest first, and where the next page starts. */
export async function listAudit(
  ctx: Ctx,
  query: AuditQuery,
): Promise<{ items: AuditEvent[]; before?: number }> {
  allow(ctx, "audit:read");
  await ctx.auditTrail.sync();
  const rows = await repo.listEvents(
    ctx.db,
    {
      actorId: query.actor_id,
      action: query.action,
      outcome: query.outcome,
      targetId: query.target_id,
      since: query.since === undefined ? undefined : new Date(query.since),
      until: query.until === undefined ? undefined : new Date(query.until),
      before: query.before,
    },
    query.limit,
  );
  const items = rows.slice(0, query.limit).map(toAuditEvent);
  return { items, ...(rows.length > query.limit && { before: items.at(-1)!.seq }) };
}

const SCAN = 1_000;

async function* inOrder(ctx: Ctx): AsyncGenerator<ChainedEvent> {
  for (let after = 0; ;) {
    const events = await repo.eventsAfter(ctx.db, after, SCAN);
    yield* events;
    if (events.length < SCAN) return;
    after = events.at(-1)!.seq;
  }
}

/** What the oldest event has to follow: the beginning, or what the trail itself says was pruned. */
async function startOf(ctx: Ctx): Promise<{ seq: number; hash: string }> {
  const pruned = (await repo.lastPruning(ctx.db))?.details;
  return pruned ? { seq: Number(pruned.through_seq), hash: String(pruned.through_hash) } : GENESIS;
}

/** Follows the whole chain, from what was pruned to where its keeper says that it ends. */
export async function verifyAudit(ctx: Ctx): Promise<AuditVerdict> {
  allow(ctx, "audit:read");
  const end = await ctx.auditTrail.sync();
  const key = await chainKey(ctx.settings.auditSecret.reveal());
  let head = await startOf(ctx);
  const verdict: AuditVerdict = { valid: true, checked: 0, first_seq: null, last_seq: null, flaw: null };
  for await (const event of inOrder(ctx)) {
    // Pruning says what it removes before it does.
    if (event.seq <= head.seq && verdict.checked === 0) continue;
    const kind = await flawOf(key, head, event);
    if (kind) return { ...verdict, valid: false, flaw: { seq: head.seq + 1, kind } };
    head = { seq: event.seq, hash: event.hash };
    verdict.checked++;
    verdict.first_seq ??= event.seq;
    verdict.last_seq = event.seq;
  }
  if (head.seq >= end.seq) return verdict;
  return { ...verdict, valid: false, flaw: { seq: head.seq + 1, kind: "cut_off" } };
}

/** Removes what is older than the configured number of days, after saying so in the trail itself. */
export async function sweepAudit(ctx: Pick<Ctx, "db" | "now" | "settings" | "auditTrail">): Promise<number> {
  const before = new Date(ctx.now.getTime() - ctx.settings.auditRetentionDays * 86_400_000);
  const last = await repo.lastEventBefore(ctx.db, before);
  if (!last) return 0;
  await ctx.auditTrail.append([
    {
      at: ctx.now.toISOString(),
      ...{ actorKind: "system", actorId: null, actorName: null },
      action: "audit.pruned",
      ...{ targetType: null, targetId: null, outcome: "ok", ip: null, requestId: null },
      details: { through_seq: last.seq, through_hash: last.hash },
    },
  ]);
  await ctx.auditTrail.sync();
  return repo.pruneEvents(ctx.db, last.seq);
}
