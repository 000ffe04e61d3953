import type { NotebookRow } from "../../db/schema.ts";
import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { AppError } from "../../kernel/errors.ts";
import { getDatasetFile } from "../datasets/index.ts";
import { getModel } from "../models/index.ts";
import { type AssistRequest, type Linked, promptOf, systemOf } from "./assist-prompt.ts";
import type { Assist, Assisted } from "./assist.schema.ts";
import { listCells } from "./cells.repo.ts";
import { partFenced } from "./fenced-code.ts";
import * as errors from "./notebooks.errors.ts";
import { findOwn } from "./notebooks.service.ts";

const MAX_TOKENS = { code: 1024, markdown: 512 };

/** What a link leads to, as far as the caller may see it; a link to what is gone leads nowhere. */
async function follow(lookUp: Promise<Linked>): Promise<Linked[]> {
  try {
    return [await lookUp];
  } catch (error) {
    if (error instanceof AppError && (error.kind === "not_found" || error.kind === "forbidden")) return [];
    throw error;
  }
}

async function linkedOf(ctx: Ctx, { modelId, datasetId }: NotebookRow): Promise<Linked[]> {
  const model = async (id: string): Promise<Linked> => {
    const { name, model_type: type, description } = await getModel(ctx, id);
    return { kind: "model", name, type, description: description ?? null };
  };
  const dataset = async (id: string): Promise<Linked> => {
    const { name, description } = await getDatasetFile(ctx, id);
    return { kind: "dataset", name, type: null, description };
  };
  const found = [
    ...(modelId ? [follow(model(modelId))] : []),
    ...(datasetId ? [follow(dataset(datasetId))] : []),
  ];
  return (await Promise.all(found)).flat();
}

/**
 * Has the language model write a cell; nothing is put into the notebook. Only for its owner, administrators included:
 * what it says leaves the house.
 */
export async function assist(ctx: Ctx, id: string, input: Assist, signal?: AbortSignal): Promise<Assisted> {
  const actor = allow(ctx, "notebooks:write");
  const notebook = await findOwn(ctx, "notebooks:write", id);
  if (notebook.ownerId !== actor.id) throw errors.notebookNotFound();
  const {
    prompt,
    selected_cell_id: selectedCellId,
    cell_type: cellType,
    include_imports: includeImports,
  } = input;
  const request: AssistRequest = { prompt, selectedCellId, cellType, includeImports };
  const cells = await listCells(ctx.db, id);
  const linked = cellType === "code" ? await linkedOf(ctx, notebook) : [];
  const wanted = {
    system: systemOf(notebook.kernel, request),
    prompt: promptOf(notebook, cells, linked, request),
    maxTokens: MAX_TOKENS[cellType],
  };
  const { text, model, tokens } = await ctx.assistant.write(wanted, signal);
  const parts = cellType === "code" ? partFenced(text) : { suggestion: text.trim(), explanation: null };
  return { ...parts, confidence: null, model, tokens_generated: tokens };
}
