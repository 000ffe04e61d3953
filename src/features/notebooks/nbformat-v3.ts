import type { JsonObject } from "../../db/schema.ts";

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const textOf = (value: unknown): string =>
  (Array.isArray(value) ? value : [value]).filter((line) => typeof line === "string").join("");

/** What nbformat 3 called the forms of a value. */
const MIME: Record<string, string> = {
  text: "text/plain",
  html: "text/html",
  svg: "image/svg+xml",
  png: "image/png",
  jpeg: "image/jpeg",
  latex: "text/latex",
  json: "application/json",
  javascript: "application/javascript",
  pdf: "application/pdf",
};

function output(given: unknown): unknown {
  if (!isObject(given)) return given;
  const { output_type: type, metadata } = given;
  if (type === "stream")
    return { output_type: "stream", name: given["stream"] ?? "stdout", text: given["text"] ?? "" };
  if (type === "pyerr") {
    const { ename, evalue, traceback } = given;
    return { output_type: "error", ename, evalue, traceback };
  }
  const data = Object.fromEntries(
    Object.entries(MIME).flatMap(([key, mime]) => (given[key] === undefined ? [] : [[mime, given[key]]])),
  );
  const plain = { data, metadata: isObject(metadata) ? metadata : {} };
  if (type !== "pyout") return { output_type: type, ...plain };
  return { output_type: "execute_result", execution_count: given["prompt_number"] ?? null, ...plain };
}

function cell(given: unknown): unknown {
  if (!isObject(given)) return given;
  const { cell_type: type, metadata = {}, source = "" } = given;
  if (type === "heading") {
    const level = Math.min(
      Math.max((typeof given["level"] === "object" ? 0 : Number(given["level"])) || 1, 1),
      6,
    );
    return { cell_type: "markdown", metadata, source: `${"#".repeat(level)} ${textOf(source)}` };
  }
  if (type !== "code") return { cell_type: type === "html" ? "markdown" : type, metadata, source };
  const outputs = Array.isArray(given["outputs"]) ? given["outputs"].map(output) : [];
  const { prompt_number: count = null, input = "" } = given;
  return { cell_type: "code", metadata, source: input, execution_count: count, outputs };
}

/** An nbformat 3 notebook as one of nbformat 4.0. Its worksheets follow one another. */
export function upgradeV3(notebook: JsonObject): JsonObject {
  const { metadata = {}, worksheets } = notebook;
  const sheets = Array.isArray(worksheets) ? worksheets.filter(isObject) : [];
  const cells = sheets.flatMap((sheet) => (Array.isArray(sheet["cells"]) ? sheet["cells"].map(cell) : []));
  return { nbformat: 4, nbformat_minor: 0, metadata, cells };
}
