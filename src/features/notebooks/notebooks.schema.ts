import { Timestamp, z } from "#http/contract";
import type { CellRow, CheckpointRow, JsonObject, NotebookRow } from "../../db/schema.ts";
import { KERNEL_NAMES } from "../../kernel/ports/kernels.ts";
import { CELL_ID } from "./nbformat.ts";

export const MAX_CELLS = 2_000;
const Name = z.string().trim().min(1).max(200);
const Description = z.string().max(10_000);
const CellId = z
  .string()
  .regex(CELL_ID)
  .openapi({ example: "cell-1", description: "Unique within the notebook." });
const Source = z.string().max(1_000_000);
const Metadata = z.record(z.string(), z.unknown());

/** `md` and capitals are taken, as they always were. */
const CellTypeInput = z
  .string()
  .transform((text) => (text.toLowerCase() === "md" ? "markdown" : text.toLowerCase()))
  .pipe(z.enum(["code", "markdown", "raw"]))
  .openapi({ type: "string", enum: ["code", "markdown", "raw"] });

export const CellInput = z
  .object({
    source: Source,
    cell_type: CellTypeInput.default("code"),
    metadata: Metadata.default({}),
  })
  .openapi("CellInput");
export type CellInput = z.infer<typeof CellInput>;

export const SavedCell = CellInput.extend({
  id: CellId.optional().openapi({
    description: "Of a cell that is there: it keeps its outputs and counter.",
  }),
}).openapi("SavedCell");
export type SavedCell = z.infer<typeof SavedCell>;

const Cells = z.array(SavedCell).max(MAX_CELLS);

export const CreateNotebook = z
  .object({
    name: Name,
    description: Description.nullish(),
    kernel: z.enum(KERNEL_NAMES).default("javascript"),
    model_id: z.uuid().nullish(),
    dataset_id: z.uuid().nullish(),
    cells: Cells.optional(),
  })
  .openapi("CreateNotebook");
export type CreateNotebook = z.infer<typeof CreateNotebook>;

export const UpdateNotebook = z
  .object({
    name: Name.optional(),
    description: Description.nullish(),
    model_id: z.uuid().nullish(),
    dataset_id: z.uuid().nullish(),
    cells: Cells.optional().openapi({ description: "The whole list; cells that are not in it are deleted." }),
  })
  .openapi("UpdateNotebook", { description: "What is absent stays; null clears." });
export type UpdateNotebook = z.infer<typeof UpdateNotebook>;

const Position = z.number().int().min(0).max(1_000_000);

export const AddCell = CellInput.extend({ position: Position.optional() }).openapi("AddCell");
export type AddCell = z.infer<typeof AddCell>;

export const UpdateCell = z
  .object({
    source: Source.optional(),
    cell_type: CellTypeInput.optional(),
    metadata: Metadata.optional(),
    position: Position.optional().openapi({ description: "Moves the cell there." }),
  })
  .openapi("UpdateCell");
export type UpdateCell = z.infer<typeof UpdateCell>;

export const Output = z
  .object({
    output_type: z.string(),
    name: z.string().optional(),
    text: z.string().optional(),
    data: Metadata.optional(),
    metadata: Metadata.optional(),
    execution_count: z.number().int().nullable().optional(),
    error_name: z.string().optional(),
    error_value: z.string().optional(),
    traceback: z.array(z.string()).optional(),
  })
  .openapi("CellOutput");
export type Output = z.infer<typeof Output>;

const joined = (value: unknown): string | undefined =>
  Array.isArray(value)
    ? value.filter((line) => typeof line === "string").join("")
    : typeof value === "string"
      ? value
      : undefined;

/** An output of nbformat's in the API's words. */
export function toOutput(given: JsonObject): Output {
  const { output_type: type, name, text, data, metadata, execution_count: count } = given;
  if (type === "error") {
    const { ename, evalue, traceback } = given as { ename: string; evalue: string; traceback: string[] };
    return { output_type: "error", error_name: ename, error_value: evalue, traceback };
  }
  const plain = joined(text ?? (data as JsonObject | undefined)?.["text/plain"]);
  return {
    output_type: String(type),
    ...(typeof name === "string" && { name }),
    ...(plain !== undefined && { text: plain }),
    ...(data !== undefined && { data: data as JsonObject }),
    ...(metadata !== undefined && { metadata: metadata as JsonObject }),
    ...(count !== undefined && { execution_count: count as number | null }),
  };
}

export const Cell = z
  .object({
    id: CellId,
    cell_type: z.enum(["code", "markdown", "raw"]),
    source: z.string(),
    outputs: z.array(Output),
    status: z.enum(["idle", "running", "completed", "error"]),
    execution_count: z.number().int().nullable(),
    metadata: Metadata,
    attachments: Metadata.optional(),
  })
  .openapi("NotebookCell");
export type Cell = z.infer<typeof Cell>;

export const toCell = (row: CellRow): Cell => ({
  id: row.id,
  cell_type: row.cellType,
  source: row.source,
  outputs: row.outputs.map(toOutput),
  status: row.status,
  execution_count: row.executionCount,
  metadata: row.metadata,
  ...(row.attachments && { attachments: row.attachments }),
});

const STATUS = z.enum(["draft", "running", "completed", "failed", "stopped"]);

export const NotebookItem = z
  .object({
    id: z.uuid(),
    name: z.string(),
    description: z.string().nullable(),
    status: STATUS,
    cell_count: z.number().int(),
    model_id: z.uuid().nullable(),
    dataset_id: z.uuid().nullable(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .openapi("NotebookItem");
export type NotebookItem = z.infer<typeof NotebookItem>;

export const toNotebookItem = (row: NotebookRow & { cellCount: number }): NotebookItem => ({
  id: row.id,
  name: row.name,
  description: row.description,
  status: row.status,
  cell_count: row.cellCount,
  model_id: row.modelId,
  dataset_id: row.datasetId,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
});

export const Notebook = NotebookItem.omit({ cell_count: true })
  .extend({
    user_id: z.uuid(),
    cells: z.array(Cell),
    metadata: z.object({
      kernel: z.enum(KERNEL_NAMES),
      language: z.enum(KERNEL_NAMES),
      framework: z.string().nullable(),
      tags: z.array(z.string()),
      nbformat: Metadata.openapi({ description: "The notebook's own metadata, as in its file." }),
    }),
  })
  .openapi("Notebook");
export type Notebook = z.infer<typeof Notebook>;

const tagsOf = ({ tags }: JsonObject): string[] =>
  Array.isArray(tags) ? tags.filter((tag) => typeof tag === "string") : [];

export function toNotebook(row: NotebookRow, cells: CellRow[]): Notebook {
  const { cell_count: _, ...item } = toNotebookItem({ ...row, cellCount: cells.length });
  const { kernel, metadata } = row;
  return {
    ...item,
    user_id: row.ownerId,
    cells: cells.map(toCell),
    metadata: { kernel, language: kernel, framework: null, tags: tagsOf(metadata), nbformat: metadata },
  };
}

export const ImportNotebook = z
  .object({
    content: z.string().openapi({ description: "The file's text; at most 10 MB." }),
    format: z
      .string()
      .toLowerCase()
      .pipe(z.enum(["ipynb", "jupyter"]))
      .default("ipynb")
      .openapi({ type: "string", enum: ["ipynb", "jupyter"] }),
    name: Name.optional().openapi({ description: "What to call it; the file's own name when absent." }),
  })
  .openapi("ImportNotebook");
export type ImportNotebook = z.infer<typeof ImportNotebook>;

export const ExportedNotebook = z
  .object({ content: z.string(), format: z.string(), filename: z.string() })
  .openapi("ExportedNotebook");

export const Checkpoint = z
  .object({
    id: z.uuid(),
    notebook_id: z.uuid(),
    epoch: z.number().int(),
    step: z.number().int(),
    metrics: z.unknown(),
    model_state_path: z.string().openapi({ description: "Where to download it." }),
    model_state_size: z.number().int().openapi({ description: "Bytes." }),
    model_state_sha256: z.string(),
    optimizer_state_path: z.string().nullable(),
    optimizer_state_size: z.number().int().nullable(),
    created_at: Timestamp,
  })
  .openapi("Checkpoint");
export type Checkpoint = z.infer<typeof Checkpoint>;

export function toCheckpoint(row: CheckpointRow): Checkpoint {
  const address = `/api/notebooks/${row.notebookId}/checkpoints/${row.id}`;
  return {
    id: row.id,
    notebook_id: row.notebookId,
    epoch: row.epoch,
    step: row.step,
    metrics: row.metrics,
    model_state_path: `${address}/model`,
    model_state_size: row.fileSize,
    model_state_sha256: row.sha256,
    optimizer_state_path: row.optimizerBlobKey === null ? null : `${address}/optimizer`,
    optimizer_state_size: row.optimizerFileSize,
    created_at: row.createdAt.toISOString(),
  };
}
