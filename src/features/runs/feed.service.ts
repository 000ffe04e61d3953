import { allow, allowAgent, scopeOf } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { isId } from "../../kernel/page.ts";
import type {
  FeedAck,
  FeedWriter,
  IdempotencyKey,
  LogLine,
  LogsPage,
  LogsQuery,
  MetricsPage,
  MetricsQuery,
  Watcher,
} from "../../kernel/ports/run-feeds.ts";
import { randomToken, sha256Hex } from "../../kernel/secret.ts";
import { readPoints, stampPoints } from "./metric-wire.ts";
import { digestLogs, digestMetrics } from "./payload-digest.ts";
import * as errors from "./runs.errors.ts";
import { ownRun } from "./run-access.service.ts";
import { getRun } from "./runs.service.ts";

/** An acknowledged append: durable, and `duplicate` when the same key had been stored before. */
export interface Appended {
  first_seq: number;
  last_seq: number;
  duplicate: boolean;
}

// No database here: the feed itself knows the run's owner, agent and status.
function writerOf(ctx: Ctx, runId: string): FeedWriter {
  if (ctx.actor.kind === "run") return { kind: "user", scope: ownRun(ctx.actor, runId).ownerId };
  if (ctx.actor.kind === "agent") return { kind: "agent", agentId: allowAgent(ctx).id };
  return { kind: "user", scope: scopeOf(allow(ctx, "runs:write")) };
}

function acknowledged(ack: FeedAck): Appended {
  if (ack.ok) return { first_seq: ack.firstSeq, last_seq: ack.lastSeq, duplicate: ack.duplicate };
  if (ack.reason === "finished") throw errors.runFinished(ack.status);
  throw ack.reason === "key_reused" ? errors.keyReused() : errors.runNotFound();
}

/**
 * What a batch is known by. An agent's key names lines of its training; taken up again, that says the same lines at
 * another time, so they are not compared.
 */
async function keyOf(
  writer: FeedWriter,
  key: string | undefined,
  digest: () => Promise<string>,
): Promise<IdempotencyKey | undefined> {
  if (key === undefined) return undefined;
  return writer.kind === "agent" ? { key } : { key, digest: await digest() };
}

/** Appends one point or a batch; see `readPoints` for the body. */
export async function appendMetrics(ctx: Ctx, runId: string, body: unknown, key?: string): Promise<Appended> {
  const writer = writerOf(ctx, runId);
  const columns = readPoints(body);
  const known = await keyOf(writer, key, () => digestMetrics(columns));
  const stamped = stampPoints(columns, ctx.now.getTime());
  return acknowledged(await ctx.feeds.of(runId).appendMetrics(writer, stamped, known));
}

/** Appends log lines; a `timestamp` of NaN stands for now. */
export async function appendLogs(ctx: Ctx, runId: string, lines: LogLine[], key?: string): Promise<Appended> {
  const writer = writerOf(ctx, runId);
  const known = await keyOf(writer, key, () => digestLogs(lines));
  const now = ctx.now.getTime();
  const timed = lines.map((line) => (Number.isNaN(line.timestamp) ? { ...line, timestamp: now } : line));
  return acknowledged(await ctx.feeds.of(runId).appendLogs(writer, timed, known));
}

export async function readMetrics(ctx: Ctx, runId: string, query: MetricsQuery): Promise<MetricsPage> {
  await getRun(ctx, runId);
  return ctx.feeds.of(runId).readMetrics(query);
}

export async function readLogs(ctx: Ctx, runId: string, query: LogsQuery): Promise<LogsPage> {
  await getRun(ctx, runId);
  return ctx.feeds.of(runId).readLogs(query);
}

const TICKET_SECONDS = 60;

/** A one-use ticket to open the run's stream where headers cannot be set. */
export async function createTicket(ctx: Ctx, runId: string): Promise<{ ticket: string; expires_in: number }> {
  const watcher = await admitUser(ctx, runId);
  const ticket = randomToken(32);
  const expiresAt = ctx.now.getTime() + TICKET_SECONDS * 1000;
  await ctx.feeds.of(runId).addTicket(await sha256Hex(ticket), expiresAt, watcher);
  return { ticket, expires_in: TICKET_SECONDS };
}

/** Lets in a watcher who is signed in and may read the run; says by what they watch. */
export async function admitUser(ctx: Ctx, runId: string): Promise<Watcher> {
  const { session, tokenId } = allow(ctx, "runs:read");
  await getRun(ctx, runId);
  return session ? `session:${session.id}` : `token:${tokenId}`;
}

/** Lets in whoever has a ticket of the run's, and uses that up; says by what they watch. */
export async function redeemTicket(ctx: Ctx, runId: string, ticket: string): Promise<Watcher> {
  if (!isId(runId)) throw errors.runNotFound();
  const redeemed = await ctx.feeds.of(runId).redeemTicket(await sha256Hex(ticket), ctx.now.getTime());
  if (!redeemed) throw errors.ticketInvalid();
  return redeemed;
}
