import type { NotebookRow } from "../../db/schema.ts";
import { allow, type Permission, scopeOf } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { type Page, type Paged, paged } from "../../kernel/page.ts";
import { isForeignKeyViolation } from "../../kernel/postgres-error.ts";
import * as cellsRepo from "./cells.repo.ts";
import { kernelOf, readNotebook, toFile, writeNotebook } from "./nbformat.ts";
import * as errors from "./notebooks.errors.ts";
import * as repo from "./notebooks.repo.ts";
import {
  type CreateNotebook,
  type ImportNotebook,
  MAX_CELLS,
  type Notebook,
  type NotebookItem,
  type SavedCell,
  toNotebook,
  toNotebookItem,
  type UpdateNotebook,
} from "./notebooks.schema.ts";
import { STARTERS } from "./starter-cells.ts";

export async function listNotebooks(ctx: Ctx, page: Page): Promise<Paged<NotebookItem>> {
  const actor = allow(ctx, "notebooks:read");
  const rows = await repo.listNotebooks(ctx.db, scopeOf(actor), page);
  // The list goes by the last change, and so does its cursor.
  const { items, next } = paged(
    rows.map((row) => ({ id: row.id, createdAt: row.updatedAt, row })),
    page.limit,
  );
  return { items: items.map(({ row }) => toNotebookItem(row)), ...(next && { next }) };
}

/** The caller's notebook, by the permission the verb at hand needs; throws 404 when it is not theirs. */
export async function findOwn(ctx: Ctx, permission: Permission, id: string): Promise<NotebookRow> {
  const actor = allow(ctx, permission);
  const row = await repo.findNotebook(ctx.db, scopeOf(actor), id);
  if (!row) throw errors.notebookNotFound();
  return row;
}

const present = async (ctx: Ctx, row: NotebookRow): Promise<Notebook> =>
  toNotebook(row, await cellsRepo.listCells(ctx.db, row.id));

export async function getNotebook(ctx: Ctx, id: string): Promise<Notebook> {
  return present(ctx, await findOwn(ctx, "notebooks:read", id));
}

/** Cells as they are to be written, with ids for those that have none. Throws on ids that come twice. */
function draftsOf(cells: readonly SavedCell[]): cellsRepo.CellDraft[] {
  const taken = new Set<string>();
  return cells.map(({ id = crypto.randomUUID(), cell_type: cellType, source, metadata }) => {
    if (taken.has(id)) throw errors.duplicateCell(id);
    taken.add(id);
    return { id, cellType, source, metadata };
  });
}

/** Makes a notebook; without cells it begins with two that suit its kernel. */
export async function createNotebook(ctx: Ctx, input: CreateNotebook): Promise<Notebook> {
  const actor = allow(ctx, "notebooks:write");
  const { name, description = null, kernel, cells = [] } = input;
  const given = cells.length > 0 ? cells : STARTERS[kernel].map((cell) => ({ ...cell, metadata: {} }));
  const { model_id: modelId = null, dataset_id: datasetId = null } = input;
  const times = { createdAt: ctx.now, updatedAt: ctx.now };
  const row = await repo.insertNotebook(
    ctx.db,
    { id: crypto.randomUUID(), ownerId: actor.id, name, description, kernel, modelId, datasetId, ...times },
    draftsOf(given),
  );
  ctx.log("info", "notebooks.created", { notebook_id: row.id, kernel });
  return present(ctx, row);
}

/** Changes what is given, null clears. `cells` is the whole list; those sent with their id keep outputs and counters. */
export async function updateNotebook(ctx: Ctx, id: string, input: UpdateNotebook): Promise<Notebook> {
  const actor = allow(ctx, "notebooks:write");
  await findOwn(ctx, "notebooks:write", id);
  const { name, description, model_id: modelId, dataset_id: datasetId, cells } = input;
  const drafts = cells && draftsOf(cells);
  const change = {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(modelId !== undefined && { modelId }),
    ...(datasetId !== undefined && { datasetId }),
  };
  if (drafts) await saveCells(ctx, id, drafts);
  if (!(await repo.updateNotebook(ctx.db, scopeOf(actor), id, change, ctx.now)))
    throw errors.notebookNotFound();
  tellWatchers(ctx, id);
  return getNotebook(ctx, id);
}

async function saveCells(ctx: Ctx, id: string, drafts: cellsRepo.CellDraft[]): Promise<void> {
  try {
    await cellsRepo.replaceCells(ctx.db, id, drafts, ctx.now);
  } catch (error) {
    // Deleted since it was found.
    if (isForeignKeyViolation(error)) throw errors.notebookNotFound();
    throw error;
  }
}

/** Watchers learn that the cells are others now; that they do is no condition of the change. */
export const tellWatchers = (ctx: Ctx, id: string): void =>
  ctx.background("notebooks.changed", ctx.rooms.of(id).changed());

/** Deletes a notebook with all that belongs to it; a cell that runs is ended. */
export async function deleteNotebook(ctx: Ctx, id: string): Promise<void> {
  const actor = allow(ctx, "notebooks:write");
  const deleted = await repo.deleteNotebook(ctx.db, scopeOf(actor), id, ctx.now);
  if (!deleted) throw errors.notebookNotFound();
  await ctx.rooms.of(id).remove(deleted.ownerId);
}

const IMPORTED = "Imported notebook";
const MAX_IMPORT_BYTES = 10_000_000;

/** Takes a Jupyter notebook in, with its ids, outputs, metadata and whatever keys it has besides. */
export async function importNotebook(ctx: Ctx, input: ImportNotebook): Promise<Notebook> {
  const actor = allow(ctx, "notebooks:write");
  if (new TextEncoder().encode(input.content).length > MAX_IMPORT_BYTES)
    throw errors.unreadable("it has more than 10 MB");
  const { metadata, extra, cells } = readNotebook(input.content, () => crypto.randomUUID());
  if (cells.length > MAX_CELLS) throw errors.tooManyCells(MAX_CELLS);
  if (cells.some(({ source }) => source.length > 1_000_000))
    throw errors.unreadable("a cell has more than 1,000,000 characters");
  const kernel = kernelOf(metadata);
  const named = [input.name, metadata["name"], metadata["title"]].find(
    (name) => typeof name === "string" && name.trim(),
  );
  const row = await repo.insertNotebook(
    ctx.db,
    {
      ...{ id: crypto.randomUUID(), ownerId: actor.id, kernel, metadata, extra },
      name: [...String(named ?? IMPORTED).trim()].slice(0, 200).join(""),
      ...{ createdAt: ctx.now, updatedAt: ctx.now },
    },
    cells,
  );
  return present(ctx, row);
}

/** The notebook as the text of an nbformat 4.5 file, and what to call that. */
export async function exportNotebook(ctx: Ctx, id: string): Promise<{ content: string; filename: string }> {
  const row = await findOwn(ctx, "notebooks:read", id);
  const cells = await cellsRepo.listCells(ctx.db, id);
  const { extra, name } = row;
  // A name the file had, or has been given here; one made up for it stays out.
  const metadata = name === IMPORTED ? row.metadata : { ...row.metadata, name };
  const file = writeNotebook({ metadata, extra, cells }, row.kernel);
  const filename = `${name.toLowerCase().replace(/[\s/\\]+/g, "_")}.ipynb`;
  return { content: toFile(file), filename };
}
