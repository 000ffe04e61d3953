import type { ModelSignature, Tensor, TensorInfo } from "../../kernel/ports/model-pools.ts";
import { invalidInput } from "./inference.errors.ts";
import { describe, fillColumns, isObject } from "./input-columns.ts";
import { parseNested, parseRows, parseTyped } from "./input-tensors.ts";
import { type Column, columnsOf } from "./row-layout.ts";
import { MAX_ROWS } from "./tensor-fill.ts";

type Tensors = Record<string, Tensor>;

function checkRows(tensors: Tensors): Tensors {
  for (const [name, { shape }] of Object.entries(tensors)) {
    if ((shape[0] ?? 1) <= MAX_ROWS) continue;
    throw invalidInput(`At most ${MAX_ROWS} rows fit one call; the input "${name}" has ${shape[0]}.`, {
      input: name,
      expected: MAX_ROWS,
      given: shape[0],
    });
  }
  return tensors;
}

const onlyInput = ({ inputs }: ModelSignature): TensorInfo => {
  const [input, ...others] = inputs;
  if (input && others.length === 0) return input;
  const names = inputs.map(({ name }) => `"${name}"`).join(", ");
  throw invalidInput(
    `The model has ${inputs.length} inputs (${names}): send an object with one entry for each.`,
    {
      expected: inputs.map(({ name }) => name),
    },
  );
};

const unnamed = (signature: ModelSignature) =>
  invalidInput(
    "The model names no features: send rows as arrays, or an object with one entry for each input.",
    {
      expected: signature.inputs.map(({ name }) => name),
    },
  );

/** A list: rows by name, rows by position, one row, or the nested values of the only input. */
function parseList(signature: ModelSignature, list: unknown[]): Tensors {
  if (list.length === 0)
    throw invalidInput("`inputs` is empty.", { expected: "at least one row", given: "[]" });
  const columns = columnsOf(signature);
  const [first] = list;
  if (isObject(first)) {
    if (!columns) throw unnamed(signature);
    return fillColumns(columns, list.length, (row) => list[row], "byName");
  }
  if (!columns) {
    const input = onlyInput(signature);
    return { [input.name]: parseRows(input, list) };
  }
  if (!Array.isArray(first)) return fillColumns(columns, 1, () => list, "byPosition");
  return fillColumns(columns, list.length, (row) => list[row], "byPosition");
}

const isTyped = (value: unknown): value is Record<string, unknown> => isObject(value) && "data" in value;
const isNested = (value: unknown): boolean =>
  isTyped(value) || (Array.isArray(value) && Array.isArray(value[0]));

/** One list (or single value) for each feature. */
function parseColumns(columns: Column[], given: Record<string, unknown>): Tensors {
  const lengths = new Map(
    Object.entries(given).map(([name, value]) => [name, Array.isArray(value) ? value.length : 1]),
  );
  const rows = Math.max(...lengths.values());
  for (const [name, length] of lengths) {
    if (length === rows && rows > 0) continue;
    throw invalidInput(
      `All features need the same number of values; "${name}" has ${length}, others have ${rows}.`,
      {
        feature: name,
        expected: rows,
        given: length,
      },
    );
  }
  const names = Object.keys(given);
  const lists = names.map((name) => (Array.isArray(given[name]) ? given[name] : [given[name]]));
  const rowOf = (row: number) => Object.fromEntries(names.map((name, i) => [name, lists[i]![row]]));
  return fillColumns(columns, rows, rowOf, "byName");
}

function parseTensors(inputs: TensorInfo[], given: Record<string, unknown>): Tensors {
  const tensors: Tensors = {};
  for (const info of inputs) {
    const value = given[info.name];
    if (value === undefined) throw invalidInput(`The input "${info.name}" is missing.`, { input: info.name });
    tensors[info.name] = isTyped(value)
      ? parseTyped(info, value)
      : parseNested(info, value, `inputs.${info.name}`);
  }
  return tensors;
}

/** An object: tensors by input name, or columns by feature name. */
function parseNamed(signature: ModelSignature, given: Record<string, unknown>): Tensors {
  const names = Object.keys(given);
  if (names.length === 0) throw invalidInput("`inputs` is an empty object.");
  const columns = columnsOf(signature);
  const inputNames = new Set(signature.inputs.map(({ name }) => name));
  const columnNames = new Set(columns?.map(({ name }) => name));
  const isByInput = names.every((name) => inputNames.has(name));
  const isByColumn = columns !== null && names.every((name) => columnNames.has(name));
  if (isByColumn && !(isByInput && names.some((name) => isNested(given[name]))))
    return parseColumns(columns, given);
  if (isByInput) return parseTensors(signature.inputs, given);
  const stranger = names.find((name) => !columnNames.has(name) && !inputNames.has(name)) ?? names[0]!;
  const expected = columns ? [...columnNames] : [...inputNames];
  throw invalidInput(`"${stranger}" is neither ${columns ? "a feature nor " : ""}an input of the model.`, {
    given: stranger,
    expected,
  });
}

/**
 * Reads the `inputs` of a call: a number, one row, rows by position, rows by feature name, an object of columns or of named tensors. Written by hand,
 * since a schema library would spend longer on ten thousand rows than the model does.
 */
export function parseInputs(signature: ModelSignature, inputs: unknown): Tensors {
  if (inputs === undefined) throw invalidInput("`inputs` is missing.", { expected: "inputs" });
  if (Array.isArray(inputs)) return checkRows(parseList(signature, inputs));
  if (isObject(inputs)) return checkRows(parseNamed(signature, inputs));
  if (inputs === null)
    throw invalidInput("`inputs` must be a value, a list or an object.", { given: describe(inputs) });
  return checkRows(parseList(signature, [inputs]));
}
