import type { TerminalRecordingRow } from "../../db/schema.ts";
import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { type Page, type Paged, paged } from "../../kernel/page.ts";
import type { Blobs } from "../../kernel/ports/blobs.ts";
import { recordingPartKey } from "../agents/index.ts";
import * as repo from "./recordings.repo.ts";
import { type Recording, type RecordingsQuery, toRecording } from "./recordings.schema.ts";
import { recordingNotFound, recordingRunning } from "./terminal.errors.ts";

const SWEEP_BATCH = 100;
const DAY_MS = 86_400_000;

async function find(ctx: Ctx, id: string): Promise<TerminalRecordingRow> {
  allow(ctx, "terminal:review");
  const row = await repo.findRecording(ctx.db, id);
  if (!row) throw recordingNotFound();
  return row;
}

/** What terminals were recorded, of everybody. */
export async function listRecordings(
  ctx: Ctx,
  { agent_id: agentId, user_id: userId }: RecordingsQuery,
  page: Page,
): Promise<Paged<Recording>> {
  allow(ctx, "terminal:review");
  const rows = await repo.listRecordings(ctx.db, { agentId, userId }, page);
  const { items, next } = paged(rows, page.limit);
  return { items: items.map((row) => toRecording(row, ctx.now)), ...(next && { next }) };
}

export const getRecording = async (ctx: Ctx, id: string): Promise<Recording> =>
  toRecording(await find(ctx, id), ctx.now);

/** A recording's file; of a terminal that is open, what it has said so far. The trail is told who looked. */
export async function readRecording(ctx: Ctx, id: string): Promise<ReadableStream<Uint8Array>> {
  const row = await find(ctx, id);
  // Asked first: what the link still has is what the store has not.
  const underWay = await ctx.agentLinks.of(row.agentId).readRecording(id);
  const parts = underWay ? underWay.parts : (await find(ctx, id)).parts;
  await tell(ctx, "terminal.recording_read", row);
  return streamOf(pieces(ctx.blobs, id, parts, underWay?.rest));
}

async function* pieces(blobs: Blobs, id: string, parts: number, rest: Uint8Array = new Uint8Array()) {
  for (let part = 0; part < parts; part++) {
    const body = await blobs.get(recordingPartKey(id, part));
    if (!body) throw new Error(`blob ${recordingPartKey(id, part)} is missing`);
    yield* body;
  }
  if (rest.length > 0) yield rest;
}

const streamOf = (pieces: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> =>
  new ReadableStream({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: () => void pieces.return(undefined),
  });

/** Removes a recording for good, once its terminal has ended. */
export async function deleteRecording(ctx: Ctx, id: string): Promise<void> {
  const row = await find(ctx, id);
  if (row.endedAt === null) throw recordingRunning();
  await repo.deleteRecording(ctx.db, id, keysOf(row));
  await tell(ctx, "terminal.recording_deleted", row);
}

const tell = (ctx: Ctx, action: string, { id, agentId, userId }: TerminalRecordingRow): Promise<void> =>
  ctx.audit({
    action,
    target: { type: "terminal", id },
    details: { agent_id: agentId, user_id: userId },
  });

// And the part that may have been stored right before the row could say so.
const keysOf = ({ id, parts }: TerminalRecordingRow): string[] =>
  Array.from({ length: parts + 1 }, (_, part) => recordingPartKey(id, part));

/** Removes recordings as old as the oldest audit events, and ends those whose link is gone. Returns how many. */
export async function sweepRecordings(ctx: Pick<Ctx, "db" | "now" | "settings">): Promise<number> {
  const { auditRetentionDays, terminal } = ctx.settings;
  const ago = (ms: number) => new Date(ctx.now.getTime() - ms);
  let swept = await repo.endLostRecordings(ctx.db, ago(terminal.maxSeconds * 1000 + DAY_MS), ctx.now);
  for (;;) {
    const rows = await repo.listRecordingsBefore(ctx.db, ago(auditRetentionDays * DAY_MS), SWEEP_BATCH);
    for (const row of rows) await repo.deleteRecording(ctx.db, row.id, keysOf(row));
    swept += rows.length;
    if (rows.length < SWEEP_BATCH) return swept;
  }
}
