export type Kind = "numeric" | "categorical";

const MISSING = new Set(["", "na", "nan", "null", "?"]);
const LONGEST_MISSING = 4;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Whether a cell stands for "no value": empty, NA, NaN, null or ?, in any case. */
export function isMissing(cell: string): boolean {
  return cell.length <= LONGEST_MISSING && MISSING.has(cell.toLowerCase());
}

/** Numeric when every value that is present is a finite decimal number; a column without values is numeric. */
export function kindOf(cells: string[], rows: Int32Array): Kind {
  return rows.every((row) => isMissing(cells[row]!) || isNumber(cells[row]!)) ? "numeric" : "categorical";
}

// Not Number() alone: it would read "0x1F" and "" as numbers.
function isNumber(cell: string): boolean {
  return DECIMAL.test(cell) && Number.isFinite(Number(cell));
}
