import { isMissing, kindOf } from "./cells.ts";
import type { Table } from "./csv.ts";
import { InputError } from "./errors.ts";
import type { Pacer } from "./pacer.ts";

const MAX_ONE_HOT_COLUMNS = 10_000;

/** `mean` and `std` are float32 numbers of the training rows; a missing value counts as the mean. */
export interface NumericFeature {
  kind: "numeric";
  name: string;
  mean: number;
  std: number;
}

/** `categories` are those of the training rows, sorted; any other value counts as none of them. */
export interface CategoricalFeature {
  kind: "categorical";
  name: string;
  categories: string[];
}

export type Feature = NumericFeature | CategoricalFeature;

/** How cells become network inputs: all numeric features first, then one column per category. */
export interface Encoder {
  features: Feature[];
  numeric: NumericFeature[];
  categorical: CategoricalFeature[];
  width: number;
}

/** Encoded rows. A one-hot block is kept as the index of its only 1, or -1 for all zeros. */
export interface Inputs {
  rows: number;
  numeric: Float32Array;
  active: Int32Array;
}

/** Learns means, deviations and categories from the training rows; columns without any value there are left out. */
export async function fitEncoder(
  table: Table,
  target: string,
  rows: Int32Array,
  train: Int32Array,
  pacer: Pacer,
): Promise<Encoder> {
  const features: Feature[] = [];
  for (const [column, name] of table.names.entries()) {
    const cells = table.columns[column]!;
    if (name === target || train.every((row) => isMissing(cells[row]!))) continue;
    const numeric = kindOf(cells, rows) === "numeric";
    if (numeric) checkRange(name, cells, rows);
    features.push(numeric ? fitNumeric(name, cells, train) : fitCategorical(name, cells, train));
    if (pacer.due()) await pacer.rest();
  }
  return createEncoder(features);
}

export function createEncoder(features: Feature[]): Encoder {
  const numeric = features.filter((feature) => feature.kind === "numeric");
  const categorical = features.filter((feature) => feature.kind === "categorical");
  const oneHot = categorical.reduce((sum, feature) => sum + feature.categories.length, 0);
  if (features.length === 0) throw new InputError("no input column has a value in the training rows");
  if (oneHot > MAX_ONE_HOT_COLUMNS)
    throw new InputError(
      `the text columns have ${oneHot} different values in all, more than ${MAX_ONE_HOT_COLUMNS}: ` +
        "leave out columns such as names and ids",
    );
  return { features, numeric, categorical, width: numeric.length + oneHot };
}

/** Encodes the given rows; `cellsOf` gives a feature's column. */
export async function encode(
  encoder: Encoder,
  cellsOf: (name: string) => string[],
  rows: Int32Array,
  pacer: Pacer,
): Promise<Inputs> {
  const numeric = new Float32Array(rows.length * encoder.numeric.length);
  const active = new Int32Array(rows.length * encoder.categorical.length);
  for (const [at, feature] of encoder.numeric.entries()) {
    encodeNumeric(feature, cellsOf(feature.name), rows, numeric, at);
    if (pacer.due()) await pacer.rest();
  }
  let offset = encoder.numeric.length;
  for (const [at, feature] of encoder.categorical.entries()) {
    encodeCategorical(feature, cellsOf(feature.name), rows, active, at, offset);
    offset += feature.categories.length;
    if (pacer.due()) await pacer.rest();
  }
  return { rows: rows.length, numeric, active };
}

/** Float32 at every step, as the operators of the exported model compute it. */
function encodeNumeric(
  feature: NumericFeature,
  cells: string[],
  rows: Int32Array,
  into: Float32Array,
  at: number,
): void {
  const stride = into.length / rows.length;
  rows.forEach((row, position) => {
    const cell = cells[row]!;
    const centred = isMissing(cell) ? 0 : Math.fround(Math.fround(Number(cell)) - feature.mean);
    into[position * stride + at] = centred / feature.std;
  });
}

function encodeCategorical(
  feature: CategoricalFeature,
  cells: string[],
  rows: Int32Array,
  into: Int32Array,
  at: number,
  offset: number,
): void {
  const stride = into.length / rows.length;
  const index = new Map(feature.categories.map((category, code) => [category, offset + code]));
  rows.forEach((row, position) => {
    into[position * stride + at] = index.get(cells[row]!) ?? -1;
  });
}

function checkRange(name: string, cells: string[], rows: Int32Array): void {
  const inRange = (cell: string) => isMissing(cell) || Number.isFinite(Math.fround(Number(cell)));
  if (!rows.every((row) => inRange(cells[row]!)))
    throw new InputError(`the column ${JSON.stringify(name)} has a value beyond the range of float32`);
}

function fitNumeric(name: string, cells: string[], train: Int32Array): NumericFeature {
  const values: number[] = [];
  for (const row of train) if (!isMissing(cells[row]!)) values.push(Math.fround(Number(cells[row])));
  return { kind: "numeric", name, ...moments(values) };
}

/** Mean and population standard deviation as float32; a deviation of 0 becomes 1, so that dividing by it is safe. */
export function moments(values: ArrayLike<number>): { mean: number; std: number } {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at]!;
  const mean = sum / values.length;
  let squares = 0;
  for (let at = 0; at < values.length; at++) squares += (values[at]! - mean) ** 2;
  return { mean: Math.fround(mean), std: Math.fround(Math.sqrt(squares / values.length)) || 1 };
}

function fitCategorical(name: string, cells: string[], train: Int32Array): CategoricalFeature {
  const categories = new Set<string>();
  for (const row of train) if (!isMissing(cells[row]!)) categories.add(cells[row]!);
  return { kind: "categorical", name, categories: [...categories].sort() };
}
