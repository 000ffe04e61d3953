import type { CellRow, NotebookRow } from "../../db/schema.ts";

// Together the size a small local model still reads.
const MAX_CONTEXT = 24_000;
const MAX_CELL = 6_000;

export interface Linked {
  kind: "model" | "dataset";
  name: string;
  type: string | null;
  description: string | null;
}

export interface AssistRequest {
  prompt: string;
  selectedCellId: string | undefined;
  cellType: "code" | "markdown";
  includeImports: boolean;
}

const LANGUAGES = { javascript: "JavaScript", python: "Python" };

export function systemOf(kernel: NotebookRow["kernel"], { cellType, includeImports }: AssistRequest): string {
  if (cellType === "markdown")
    return "You write Markdown for a notebook cell. Answer with the Markdown alone.";
  const imports = kernel === "javascript" ? "" : ` ${includeImports ? "Include" : "Leave out"} the imports.`;
  const sandbox =
    kernel === "javascript"
      ? " The code runs in a sandbox without network, files or modules; show results by console.log, display or the last expression."
      : "";
  return `You write ${LANGUAGES[kernel]} for one cell of a notebook. Answer with one fenced code block and at most three sentences beside it.${imports}${sandbox}`;
}

const describe = ({ kind, name, type, description }: Linked): string =>
  `Linked ${kind}: ${name}${type ? ` (${type})` : ""}${description ? `. ${description.slice(0, 1000)}` : ""}`;

function cellText(cell: CellRow, kernel: NotebookRow["kernel"], selected: string | undefined): string {
  const label = cell.cellType === "code" ? LANGUAGES[kernel] : cell.cellType;
  const mark = cell.id === selected ? " (selected: the new cell follows it)" : "";
  return `--- ${label} cell${mark} ---\n${cell.source.slice(0, MAX_CELL).toWellFormed()}`;
}

/** The prompt with what the notebook says around it; the cells before the selected one count most and come whole first. */
export function promptOf(
  notebook: NotebookRow,
  cells: CellRow[],
  linked: Linked[],
  request: AssistRequest,
): string {
  const { prompt, selectedCellId, cellType } = request;
  if (cellType === "markdown") return prompt;
  const head = [
    `Notebook: ${notebook.name}`,
    ...(notebook.description ? [notebook.description.slice(0, 2000)] : []),
    ...linked.map(describe),
  ];
  const selected = cells.findIndex(({ id }) => id === selectedCellId);
  const upTo = selected === -1 ? cells.length : selected + 1;
  const kept: string[] = [];
  let room = MAX_CONTEXT;
  for (const cell of cells.slice(0, upTo).toReversed()) {
    const text = cellText(cell, notebook.kernel, selectedCellId);
    room -= text.length;
    if (room < 0) break;
    kept.unshift(text);
  }
  return [...head, ...kept, "--- Write ---", prompt].join("\n");
}
