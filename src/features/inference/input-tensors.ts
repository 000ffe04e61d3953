import type { Tensor, TensorInfo } from "../../kernel/ports/model-pools.ts";
import { invalidInput } from "./inference.errors.ts";
import { describe } from "./input-columns.ts";
import { plainWidth } from "./row-layout.ts";
import { shapeText, sizeOf } from "./tensor-check.ts";
import { KINDS, MAX_VALUES } from "./tensor-fill.ts";

const MAX_RANK = 8;

function wrongShape(info: TensorInfo, given: readonly number[], path: string) {
  const [expected, actual] = [shapeText(info.shape), shapeText(given)];
  return invalidInput(`${path}: the input "${info.name}" takes the shape ${expected}, not ${actual}.`, {
    input: info.name,
    expected: info.shape,
    given,
  });
}

const fits = (shape: readonly number[], expected: TensorInfo["shape"]): boolean =>
  shape.length === expected.length &&
  shape.every((dim, i) => typeof expected[i] !== "number" || expected[i] === dim);

/** The shape the first elements suggest; the filling checks that the others agree. */
function shapeOf(value: unknown): number[] {
  const shape: number[] = [];
  for (let level = value; Array.isArray(level) && shape.length <= MAX_RANK; [level] = level)
    shape.push(level.length);
  return shape;
}

/** Writes nested lists into flat data; every list at a depth must be as long as the shape says. */
function fill(info: TensorInfo, value: unknown, shape: readonly number[], path: string): Tensor["data"] {
  const { allocate, set, expected } = KINDS[info.type];
  if (sizeOf(shape) > MAX_VALUES) {
    throw invalidInput(`${path}: the shape ${shapeText(shape)} has more than ${MAX_VALUES} values.`, {
      input: info.name,
    });
  }
  const data = allocate(sizeOf(shape));
  let at = 0;
  const walk = (level: unknown, depth: number, where: string): void => {
    if (depth === shape.length) {
      if (set(data, at++, level)) return;
      const given = describe(level);
      throw invalidInput(`${where}: expected ${expected}, got ${given}.`, {
        input: info.name,
        at: where,
        expected,
        given,
      });
    }
    if (!Array.isArray(level) || level.length !== shape[depth]) {
      const wanted = `a list of ${shape[depth]}`;
      const given = describe(level);
      throw invalidInput(`${where}: expected ${wanted}, got ${given}.`, {
        input: info.name,
        at: where,
        expected: wanted,
        given,
      });
    }
    for (let i = 0; i < level.length; i++) walk(level[i], depth + 1, `${where}[${i}]`);
  };
  walk(value, 0, path);
  return data;
}

/** The shape the values stand for: as they are, one row of them, or single values one a row. */
function meant(info: TensorInfo, shape: number[]): number[] | undefined {
  if (fits(shape, info.shape)) return shape;
  const isColumn = shape.length === 1 && info.shape.length === 2 && info.shape[1] === 1;
  const candidates = isColumn ? [[...shape, 1]] : [[1, ...shape]];
  return candidates.find((candidate) => fits(candidate, info.shape));
}

/** Nested lists of the input's rank, or one rank less for a single row. */
export function parseNested(info: TensorInfo, value: unknown, path: string): Tensor {
  const given = shapeOf(value);
  const shape = meant(info, given);
  if (!shape || shape.includes(0)) throw wrongShape(info, given, path);
  return { type: info.type, shape, data: fill(info, value, given, path) };
}

/** The rows of a model with a single input: nested as the input is, or each row flat. */
export function parseRows(info: TensorInfo, list: unknown[]): Tensor {
  const given = shapeOf(list);
  const nested = meant(info, given);
  const width = plainWidth(info);
  if (nested || width === null || info.shape.length < 2) return parseNested(info, list, "inputs");
  const rows = given.length === 1 ? [list] : list;
  const first = typeof info.shape[0] === "number" ? info.shape[0] : rows.length;
  if (first !== rows.length) throw wrongShape(info, given, "inputs");
  for (const [row, values] of rows.entries()) {
    if (Array.isArray(values) && values.length === width) continue;
    const length = Array.isArray(values) ? values.length : describe(values);
    const message = `Row ${row}: expected a list of ${width} values, got ${Array.isArray(values) ? `${length} values` : length}.`;
    throw invalidInput(message, { input: info.name, row, expected: width, given: length });
  }
  const data = fill(info, rows, [rows.length, width], "inputs");
  return { type: info.type, shape: [rows.length, ...(info.shape.slice(1) as number[])], data };
}

/** A tensor spelled out: `{data: flat list, shape, type?}`. */
export function parseTyped(info: TensorInfo, { data, shape, type }: Record<string, unknown>): Tensor {
  const path = `inputs.${info.name}`;
  if (type !== undefined && type !== info.type) {
    throw invalidInput(`${path}.type: the model takes ${info.type}.`, {
      input: info.name,
      expected: info.type,
      given: describe(type),
    });
  }
  if (shape === undefined) return parseNested(info, data, `${path}.data`);
  const isShape =
    Array.isArray(shape) &&
    shape.length <= MAX_RANK &&
    shape.every((dim) => Number.isInteger(dim) && dim > 0);
  if (!isShape)
    throw invalidInput(`${path}.shape: expected a list of positive whole numbers.`, { input: info.name });
  if (!fits(shape as number[], info.shape)) throw wrongShape(info, shape as number[], path);
  const size = sizeOf(shape as number[]);
  if (!Array.isArray(data) || data.length !== size) {
    throw invalidInput(
      `${path}.data: the shape wants a flat list of ${size} values, got ${describe(data)}.`,
      {
        input: info.name,
        expected: size,
        given: Array.isArray(data) ? data.length : describe(data),
      },
    );
  }
  return { type: info.type, shape: shape as number[], data: fill(info, data, [size], `${path}.data`) };
}
