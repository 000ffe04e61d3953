import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { isId } from "../../kernel/page.ts";
import type { RoomRefusal, RoomState } from "../../kernel/ports/notebook-rooms.ts";
import type { Watcher } from "../../kernel/ports/run-feeds.ts";
import { randomToken, sha256Hex } from "../../kernel/secret.ts";
import * as cellsRepo from "./cells.repo.ts";
import { CELL_ID } from "./nbformat.ts";
import type { ExecuteReply } from "./execution.schema.ts";
import * as errors from "./notebooks.errors.ts";
import { type Notebook, toOutput } from "./notebooks.schema.ts";
import { findOwn, getNotebook } from "./notebooks.service.ts";

function refusalOf(refusal: RoomRefusal) {
  switch (refusal.reason) {
    case "kernel":
      return errors.kernelUnavailable(refusal.message);
    case "cell_not_found":
      return errors.cellNotFound();
    case "cell_not_code":
      return errors.cellNotCode();
    case "cell_busy":
      return errors.cellBusy();
    case "queue_full":
      return errors.queueFull();
    case "running":
      return errors.notebookRunning();
    case "stopping":
      return errors.notebookStopping();
    case "cancelled":
      return errors.cancelled();
    case "notebook_not_found":
      return errors.notebookNotFound();
  }
}

/** Runs a code cell when its turn comes; a cell that fails is an answer, not an error. */
export async function executeCell(
  ctx: Ctx,
  notebookId: string,
  cellId: string,
  timeoutMs: number,
): Promise<ExecuteReply> {
  const { id: userId } = allow(ctx, "notebooks:run");
  await findOwn(ctx, "notebooks:run", notebookId);
  const cell = CELL_ID.test(cellId) ? await cellsRepo.findCell(ctx.db, notebookId, cellId) : undefined;
  if (!cell) throw errors.cellNotFound();
  if (cell.cellType !== "code") throw errors.cellNotCode();
  const answer = await ctx.rooms.of(notebookId).execute(cellId, timeoutMs, userId);
  if (!answer.ok) throw refusalOf(answer);
  return {
    cell_id: cellId,
    outputs: answer.outputs.map(toOutput),
    execution_count: answer.executionCount,
    status: answer.status,
    duration_ms: answer.durationMs,
    kernel_started: answer.kernelStarted,
  };
}

/** Runs all code cells in order; the first that fails ends it. */
export async function startNotebook(ctx: Ctx, id: string, timeoutMs: number): Promise<Notebook> {
  const { id: userId } = allow(ctx, "notebooks:run");
  await findOwn(ctx, "notebooks:run", id);
  const answer = await ctx.rooms.of(id).start(timeoutMs, userId);
  if (!answer.ok) throw refusalOf(answer);
  ctx.log("info", "notebooks.started", { notebook_id: id });
  return getNotebook(ctx, id);
}

/** Interrupts what runs and empties the queue; answers when it has stopped. What did not run stays as it was. */
export async function stopNotebook(ctx: Ctx, id: string): Promise<Notebook> {
  await findOwn(ctx, "notebooks:run", id);
  if (await ctx.rooms.of(id).stop()) ctx.log("info", "notebooks.stopped", { notebook_id: id });
  return getNotebook(ctx, id);
}

/** Stops, and ends the kernel with all it holds; the next cell starts a new one. */
export async function restartKernel(ctx: Ctx, id: string): Promise<RoomState> {
  await findOwn(ctx, "notebooks:run", id);
  return ctx.rooms.of(id).restart();
}

export async function getKernel(ctx: Ctx, id: string): Promise<RoomState> {
  await findOwn(ctx, "notebooks:read", id);
  return ctx.rooms.of(id).state();
}

const TICKET_SECONDS = 60;

/** A one-use ticket to open the notebook's stream where headers cannot be set. */
export async function createTicket(ctx: Ctx, id: string): Promise<{ ticket: string; expires_in: number }> {
  const watcher = await admitUser(ctx, id);
  const ticket = randomToken(32);
  const expiresAt = ctx.now.getTime() + TICKET_SECONDS * 1000;
  await ctx.rooms.of(id).addTicket(await sha256Hex(ticket), expiresAt, watcher);
  return { ticket, expires_in: TICKET_SECONDS };
}

/** Lets in a watcher who is signed in and may read the notebook; says by what they watch. */
export async function admitUser(ctx: Ctx, id: string): Promise<Watcher> {
  const { session, tokenId } = allow(ctx, "notebooks:read");
  await findOwn(ctx, "notebooks:read", id);
  return session ? `session:${session.id}` : `token:${tokenId}`;
}

/** Lets in whoever has a ticket of the notebook's, and uses that up; says by what they watch. */
export async function redeemTicket(ctx: Ctx, id: string, ticket: string): Promise<Watcher> {
  if (!isId(id)) throw errors.notebookNotFound();
  const redeemed = await ctx.rooms.of(id).redeemTicket(await sha256Hex(ticket), ctx.now.getTime());
  if (!redeemed) throw errors.ticketInvalid();
  return redeemed;
}
