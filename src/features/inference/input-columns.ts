import type { Tensor } from "../../kernel/ports/model-pools.ts";
import { invalidInput } from "./inference.errors.ts";
import { allowsMissing, type Column } from "./row-layout.ts";
import { KINDS, MAX_ROWS, MAX_VALUES, putMissing } from "./tensor-fill.ts";

/** A JSON value in few words. */
export function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const asText = (value: unknown): string | undefined => {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
};

function putOrdinal(column: Column, data: Tensor["data"], at: number, value: unknown): boolean {
  const text = asText(value);
  const index = text === undefined ? -1 : (column.categories ?? []).indexOf(text);
  return index >= 0 && KINDS[column.input.type].set(data, at, index);
}

function put(column: Column, data: Tensor["data"], at: number, value: unknown): boolean {
  const { kind, input } = column;
  if (value === null && allowsMissing(column)) {
    if (kind === "numeric") putMissing(input.type, data, at);
    return true;
  }
  if (kind === "ordinal") return putOrdinal(column, data, at, value);
  return KINDS[input.type].set(data, at, kind === "categorical" ? asText(value) : value);
}

function expectation(column: Column): string {
  if (column.kind === "categorical") return "a text (or null)";
  if (column.kind === "ordinal") {
    const known = (column.categories ?? []).map((category) => JSON.stringify(category));
    return `one of ${known.slice(0, 20).join(", ")}${known.length > 20 ? ", …" : ""}`;
  }
  return `${KINDS[column.input.type].expected}${allowsMissing(column) ? " (or null)" : ""}`;
}

function wrongValue(column: Column, row: number, value: unknown) {
  const [expected, given] = [expectation(column), describe(value)];
  const message = `Row ${row}, "${column.name}": expected ${expected}, got ${given}. Rows count from 0.`;
  return invalidInput(message, { row, feature: column.name, input: column.input.name, expected, given });
}

type Order = "byName" | "byPosition";

function checkRow(columns: Column[], row: number, given: unknown, order: Order): void {
  if (order === "byPosition") {
    if (Array.isArray(given) && given.length === columns.length) return;
    const expected = `a list of ${columns.length} values (${columns
      .map(({ name }) => name)
      .slice(0, 20)
      .join(", ")})`;
    throw invalidInput(`Row ${row}: expected ${expected}, got ${describe(given)}.`, {
      row,
      expected: columns.length,
      given: Array.isArray(given) ? given.length : describe(given),
    });
  }
  if (!isObject(given)) {
    throw invalidInput(`Row ${row}: expected an object by feature name, got ${describe(given)}.`, {
      row,
      given: describe(given),
    });
  }
  const missing = columns.find(({ name }) => !Object.hasOwn(given, name));
  if (missing)
    throw invalidInput(`Row ${row}: the feature "${missing.name}" is missing.`, {
      row,
      feature: missing.name,
    });
  if (Object.keys(given).length === columns.length) return;
  const known = new Set(columns.map(({ name }) => name));
  const extra = Object.keys(given).find((name) => !known.has(name));
  throw invalidInput(`Row ${row}: the model has no feature "${extra}".`, {
    row,
    given: extra,
    expected: [...known],
  });
}

/** Fills the inputs from `rows` rows of values, given by feature name or in the order of the features. */
export function fillColumns(
  columns: Column[],
  rows: number,
  rowAt: (row: number) => unknown,
  order: Order,
): Record<string, Tensor> {
  if (rows > MAX_ROWS || rows * columns.length > MAX_VALUES) {
    throw invalidInput(`At most ${MAX_ROWS} rows fit one call, not ${rows}.`, {
      expected: MAX_ROWS,
      given: rows,
    });
  }
  const tensors: Record<string, Tensor> = {};
  for (const { input, width } of columns) {
    const { type, name, shape } = input;
    if (typeof shape[0] === "number" && shape[0] !== rows) {
      throw invalidInput(`The model takes exactly ${shape[0]} rows a call, not ${rows}.`, {
        expected: shape[0],
        given: rows,
      });
    }
    tensors[name] ??= {
      type,
      shape: [rows, ...(shape.slice(1) as number[])],
      data: KINDS[type].allocate(rows * width),
    };
  }
  for (let row = 0; row < rows; row++) {
    const given = rowAt(row);
    checkRow(columns, row, given, order);
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i]!;
      const value =
        order === "byName" ? (given as Record<string, unknown>)[column.name] : (given as unknown[])[i];
      const at = row * column.width + column.offset;
      if (!put(column, tensors[column.input.name]!.data, at, value)) throw wrongValue(column, row, value);
    }
  }
  return tensors;
}
