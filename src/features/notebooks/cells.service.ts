import type { Ctx } from "../../kernel/ctx.ts";
import * as repo from "./cells.repo.ts";
import { CELL_ID } from "./nbformat.ts";
import * as errors from "./notebooks.errors.ts";
import { type AddCell, type Cell, MAX_CELLS, toCell, type UpdateCell } from "./notebooks.schema.ts";
import { findOwn, tellWatchers } from "./notebooks.service.ts";

/** Puts a new cell in at `position`, or at the end. */
export async function addCell(ctx: Ctx, notebookId: string, input: AddCell): Promise<Cell> {
  await findOwn(ctx, "notebooks:write", notebookId);
  const { source, cell_type: cellType, metadata, position = 1_000_000 } = input;
  if ((await repo.countCells(ctx.db, notebookId)) >= MAX_CELLS) throw errors.tooManyCells(MAX_CELLS);
  const draft = { id: crypto.randomUUID(), cellType, source, metadata };
  const row = await repo.insertCell(ctx.db, notebookId, draft, position, ctx.now);
  if (!row) throw errors.notebookNotFound();
  tellWatchers(ctx, notebookId);
  return toCell(row);
}

/** Changes a cell, or moves it with `position`. Outputs stay until it is run again, unless it is no code any more. */
export async function updateCell(ctx: Ctx, notebookId: string, id: string, input: UpdateCell): Promise<Cell> {
  await findOwn(ctx, "notebooks:write", notebookId);
  const { source, cell_type: cellType, metadata, position } = input;
  const change = { source, cellType, metadata };
  const row = CELL_ID.test(id)
    ? await repo.updateCell(ctx.db, notebookId, id, change, position, ctx.now)
    : undefined;
  if (!row) throw errors.cellNotFound();
  tellWatchers(ctx, notebookId);
  return toCell(row);
}

export async function deleteCell(ctx: Ctx, notebookId: string, id: string): Promise<void> {
  await findOwn(ctx, "notebooks:write", notebookId);
  if (!CELL_ID.test(id) || !(await repo.deleteCell(ctx.db, notebookId, id, ctx.now)))
    throw errors.cellNotFound();
  tellWatchers(ctx, notebookId);
}
