import type { DatasetRow } from "../../db/schema.ts";
import { allow, scopeOf } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { type Page, type Paged, paged } from "../../kernel/page.ts";
import type { IncomingFile, Upload } from "../../kernel/upload.ts";
import { type StoredFile, storeFile } from "../files/index.ts";
import { CATALOG, type CatalogEntry, findEntry, searchCatalog } from "./catalog.ts";
import { type CsvShape, CsvShapeReader } from "./csv-shape.ts";
import * as errors from "./datasets.errors.ts";
import * as repo from "./datasets.repo.ts";
import { type Builtin, type Dataset, DatasetForm, toBuiltin, toDataset } from "./datasets.schema.ts";

export async function listDatasets(ctx: Ctx, page: Page): Promise<Paged<Dataset>> {
  const actor = allow(ctx, "datasets:read");
  const { items, next } = paged(await repo.listDatasets(ctx.db, scopeOf(actor), page), page.limit);
  return { items: items.map(toDataset), ...(next && { next }) };
}

export async function getDataset(ctx: Ctx, id: string): Promise<Dataset> {
  return toDataset(await getDatasetFile(ctx, id));
}

/** The caller's dataset with where its file lies. */
export async function getDatasetFile(ctx: Ctx, id: string): Promise<DatasetRow> {
  const actor = allow(ctx, "datasets:read");
  const row = await repo.findDataset(ctx.db, scopeOf(actor), id);
  if (!row) throw errors.datasetNotFound();
  return row;
}

/** A dataset by the owner it must have; for work done on the owner's behalf. */
export const findDatasetOf = (ctx: Ctx, ownerId: string, id: string): Promise<DatasetRow | undefined> =>
  repo.findDataset(ctx.db, ownerId, id);

export async function deleteDataset(ctx: Ctx, id: string): Promise<void> {
  const actor = allow(ctx, "datasets:write");
  const row = await repo.findDataset(ctx.db, scopeOf(actor), id);
  if (!row) throw errors.datasetNotFound();
  await repo.deleteDataset(ctx.db, row, ctx.now);
}

/** Streams a file in, counting records on the way when it is a CSV. */
export async function uploadDataset(ctx: Ctx, upload: Upload): Promise<Dataset> {
  const actor = allow(ctx, "datasets:write");
  const { stored, fields } = await upload.receive((file) => storeCounted(ctx, actor.id, file));
  if (stored.fileSize === 0) throw errors.emptyFile();
  const form = parseForm(fields);
  const { shape, ...file } = stored;
  const target = form.target_column;
  if (target !== undefined && shape && !shape.columns.includes(target)) {
    throw errors.fieldInvalid("target_column", `the file has no column ${target}`);
  }
  const row = await repo.insertDataset(ctx.db, {
    ownerId: actor.id,
    name: form.name,
    description: form.description ?? null,
    datasetType: form.dataset_type,
    ...file,
    numSamples: shape?.rows ?? null,
    numFeatures: shape ? shape.columns.length - (target === undefined ? 0 : 1) : null,
    targetColumn: target ?? null,
  });
  return toDataset(row);
}

function parseForm(fields: Map<string, string>): DatasetForm {
  const parsed = DatasetForm.safeParse(Object.fromEntries(fields));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw errors.fieldInvalid(issue.path.join("."), issue.message);
}

async function storeCounted(
  ctx: Ctx,
  ownerId: string,
  file: IncomingFile,
): Promise<StoredFile & { shape?: CsvShape }> {
  const prefix = `datasets/${ownerId}`;
  if (!/\.csv$/i.test(file.name)) return storeFile(ctx, prefix, file);
  const reader = new CsvShapeReader();
  const counting = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      reader.write(chunk);
      controller.enqueue(chunk);
    },
  });
  const stored = await storeFile(ctx, prefix, { ...file, body: file.body.pipeThrough(counting) });
  const shape = reader.end();
  return { ...stored, ...(shape && { shape }) };
}

export function listBuiltins(ctx: Ctx, source?: string): Builtin[] {
  allow(ctx, "datasets:read");
  return source === undefined || source === "builtin" ? CATALOG.map(present) : [];
}

export function searchBuiltins(ctx: Ctx, query: string, limit: number, source?: string) {
  allow(ctx, "datasets:read");
  const hits = source === undefined || source === "builtin" ? searchCatalog(query, limit) : [];
  return hits.map(({ facts, sizeBytes }) => ({
    id: facts.id,
    name: facts.name,
    source: "builtin" as const,
    size: sizeBytes === null ? null : `${(sizeBytes / 1_000_000).toFixed(2)} MB`,
    download_count: null,
    description: facts.description,
  }));
}

/** The catalogues one can search here, with true counts. */
export function listSources(ctx: Ctx) {
  allow(ctx, "datasets:read");
  const shipped = CATALOG.filter((entry) => entry.text !== undefined).length;
  return [
    {
      id: "builtin",
      name: "Built in",
      description: `Well-known datasets; ${shipped} of them ship with Myelin.`,
      dataset_count: String(CATALOG.length),
    },
  ];
}

export function getBuiltin(ctx: Ctx, id: string): Builtin {
  allow(ctx, "datasets:read");
  return present(entryOf(id));
}

/** Copies a shipped dataset into a new dataset of the caller's. */
export async function prepareBuiltin(ctx: Ctx, id: string): Promise<Dataset> {
  const actor = allow(ctx, "datasets:write");
  const { facts, text } = entryOf(id);
  if (text === undefined) throw errors.builtinNotShipped(id);
  const bytes = new TextEncoder().encode(text);
  const body = new Response(bytes).body!;
  const file = { name: `${facts.id}.csv`, body, size: bytes.length };
  const stored = await storeFile(ctx, `datasets/${actor.id}`, file);
  const row = await repo.insertDataset(ctx.db, {
    ownerId: actor.id,
    name: facts.name,
    description: facts.description,
    datasetType: facts.data_type,
    ...stored,
    numSamples: facts.num_samples,
    numFeatures: facts.num_features,
    numClasses: facts.task_type === "classification" ? facts.num_classes : null,
    targetColumn: facts.target,
    builtinId: facts.id,
  });
  return toDataset(row);
}

function entryOf(id: string): CatalogEntry {
  const entry = findEntry(id);
  if (!entry) throw errors.builtinNotFound(id);
  return entry;
}

const present = ({ facts, sizeBytes }: CatalogEntry): Builtin => toBuiltin(facts, sizeBytes);
