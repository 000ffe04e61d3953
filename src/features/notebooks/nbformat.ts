import type { CellType, JsonObject } from "../../db/schema.ts";
import { isNestedDeeper, MAX_NESTING } from "../../kernel/nesting.ts";
import type { KernelName } from "../../kernel/ports/kernels.ts";
import { unreadable } from "./notebooks.errors.ts";
import { upgradeV3 } from "./nbformat-v3.ts";

/** A cell between a file and the table; `outputs` in nbformat's own shape. */
export interface FileCell {
  id: string;
  cellType: CellType;
  source: string;
  metadata: JsonObject;
  outputs: JsonObject[];
  executionCount: number | null;
  attachments: JsonObject | null;
  extra: JsonObject;
}

export interface FileNotebook {
  metadata: JsonObject;
  /** Keys nbformat does not know. */
  extra: JsonObject;
  cells: FileCell[];
}

export const CELL_ID = /^[a-zA-Z0-9-_]{1,64}$/;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isText = (value: unknown): value is string | string[] =>
  typeof value === "string" || (Array.isArray(value) && value.every((line) => typeof line === "string"));

const joined = (value: string | string[]): string => (typeof value === "string" ? value : value.join(""));

/** What should be a text and may be anything: a JSON object has no text of its own, and may forbid being given one. */
const textOf = (value: unknown): string =>
  typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);

const isCount = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31;

function object(value: unknown, what: string): JsonObject {
  if (value === undefined) return {};
  if (!isObject(value)) throw unreadable(`${what} must be an object`);
  return value;
}

function readJson(text: string): JsonObject {
  let value: unknown;
  try {
    // Files written on Windows may begin with a mark of their byte order.
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    throw unreadable("it is not JSON");
  }
  if (!isObject(value)) throw unreadable("it is not a JSON object");
  if (isNestedDeeper(value, MAX_NESTING))
    throw unreadable(`it is nested more than ${MAX_NESTING} levels deep`);
  return value;
}

/** Reads a notebook of nbformat 4, or 3 as far as 4 has a place for what it says. Throws a 422 that says what is wrong. */
export function readNotebook(text: string, newId: () => string): FileNotebook {
  const given = readJson(text);
  const { nbformat } = given;
  if (nbformat !== 3 && nbformat !== 4)
    throw unreadable(
      `its nbformat is ${JSON.stringify(nbformat) ?? "missing"}, and only 3 and 4 are known here`,
    );
  const {
    nbformat: _,
    nbformat_minor: _minor,
    metadata,
    cells,
    ...extra
  } = nbformat === 3 ? upgradeV3(given) : given;
  if (!Array.isArray(cells)) throw unreadable("it has no list of cells");
  const taken = new Set<string>();
  return {
    metadata: object(metadata, "metadata"),
    extra,
    cells: cells.map((cell, i) => readCell(cell, `cells.${i}`, taken, newId)),
  };
}

/** Ids came with 4.5: whoever has none, or another's, gets one. */
function idOf(given: unknown, taken: Set<string>, newId: () => string): string {
  const isGood = typeof given === "string" && CELL_ID.test(given) && !taken.has(given);
  const id = isGood ? given : newId();
  taken.add(id);
  return id;
}

function readCell(given: unknown, where: string, taken: Set<string>, newId: () => string): FileCell {
  if (!isObject(given)) throw unreadable(`${where} is not an object`);
  const {
    id,
    cell_type: type,
    source,
    metadata,
    outputs,
    execution_count: count,
    attachments,
    ...extra
  } = given;
  if (type !== "code" && type !== "markdown" && type !== "raw")
    throw unreadable(`${where} is of the type ${JSON.stringify(type) ?? "none"}`);
  if (!isText(source)) throw unreadable(`${where}.source must be a text or a list of lines`);
  const isCode = type === "code";
  if (isCode && outputs !== undefined && !Array.isArray(outputs))
    throw unreadable(`${where}.outputs must be a list`);
  if (isCode && count !== undefined && count !== null && !isCount(count))
    throw unreadable(`${where}.execution_count must be a number or null`);
  return {
    id: idOf(id, taken, newId),
    cellType: type,
    source: joined(source),
    metadata: object(metadata, `${where}.metadata`),
    outputs: isCode
      ? ((outputs as unknown[]) ?? []).map((output, i) => readOutput(output, `${where}.outputs.${i}`))
      : [],
    executionCount: isCode && isCount(count) ? count : null,
    attachments: attachments === undefined ? null : object(attachments, `${where}.attachments`),
    extra,
  };
}

/** An output as it came, with what the format demands filled in where older writers left it out. */
function readOutput(given: unknown, where: string): JsonObject {
  if (!isObject(given)) throw unreadable(`${where} is not an object`);
  const { output_type: type } = given;
  if (type === "stream") {
    if (!isText(given["text"])) throw unreadable(`${where}.text must be a text`);
    return typeof given["name"] === "string" ? given : { ...given, name: "stdout" };
  }
  if (type === "display_data" || type === "execute_result") {
    const data = object(given["data"], `${where}.data`);
    const metadata = object(given["metadata"], `${where}.metadata`);
    const counted =
      type === "execute_result" && !isCount(given["execution_count"]) ? { execution_count: null } : {};
    return { ...given, data, metadata, ...counted };
  }
  if (type === "error") {
    const { ename, evalue, traceback } = given;
    const lines = Array.isArray(traceback) ? traceback.map(textOf) : [];
    return { ...given, ename: textOf(ename ?? "Error"), evalue: textOf(evalue ?? ""), traceback: lines };
  }
  throw unreadable(`${where} is of the type ${JSON.stringify(type) ?? "none"}`);
}

/** Lines with their ends, as nbformat writes them; joined they are the text again. */
const lines = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

function writeCell(cell: FileCell): JsonObject {
  const { id, cellType, source, metadata, outputs, executionCount, attachments, extra } = cell;
  return {
    ...extra,
    cell_type: cellType,
    id,
    metadata,
    source: lines(source),
    ...(cellType === "code" ? { execution_count: executionCount, outputs } : {}),
    ...(attachments && { attachments }),
  };
}

const SPECS: Record<KernelName, JsonObject> = {
  javascript: { name: "javascript", display_name: "JavaScript", language: "javascript" },
  python: { name: "python3", display_name: "Python 3", language: "python" },
};

/** The notebook as nbformat 4.5. What an imported one said of its kernel stays as it was. */
export function writeNotebook({ metadata, extra, cells }: FileNotebook, kernel: KernelName): JsonObject {
  const spec = { kernelspec: SPECS[kernel], language_info: { name: SPECS[kernel]["language"] } };
  return {
    ...extra,
    cells: cells.map(writeCell),
    metadata: { ...spec, ...metadata },
    nbformat: 4,
    nbformat_minor: 5,
  };
}

/** Half a surrogate pair is escaped in JSON, and no text to Python all the same. */
const LONE_SURROGATE = /\\(?:u(d[89a-f][0-9a-f]{2})|.)/g;

/** The notebook as the text of a file that everybody can read. */
export const toFile = (notebook: JsonObject): string =>
  `${JSON.stringify(notebook, null, 1).replace(LONE_SURROGATE, (escape, lone) => (lone ? "\ufffd" : escape))}\n`;

/** The kernel an imported notebook was written for, as far as it is one of ours; files that do not say are Python's. */
export function kernelOf({ kernelspec, language_info: info }: JsonObject): KernelName {
  const spec = isObject(kernelspec) ? kernelspec : {};
  const named = isObject(info) ? info["name"] : undefined;
  const language = textOf(named ?? spec["language"] ?? spec["name"] ?? "python").toLowerCase();
  return /^(javascript|js|typescript|deno|node)/.test(language) ? "javascript" : "python";
}
