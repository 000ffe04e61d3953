import { type NamedNumber, nameNumber } from "../../kernel/named-number.ts";
import type { ModelSignature, Tensor } from "../../kernel/ports/model-pools.ts";
import { fromHalf } from "../../kernel/half.ts";
import { isFloat } from "./tensor-fill.ts";

/** A value as JSON can carry it: NaN and infinities by name, whole numbers beyond 2^53 as text. */
export type OutputValue = NamedNumber | string | boolean;
export type Nested = OutputValue | Nested[];

export interface PredictionOutputs {
  predictions: Nested;
  output_shape: number[];
  model_loaded: true;
  labels?: string[];
  probabilities?: Record<string, NamedNumber>[];
  /** Outputs that the fields above do not tell already. */
  named?: Record<string, Nested>;
}

type Outputs = Record<string, Tensor>;

export function valueAt({ type, data }: Tensor, at: number): OutputValue {
  const value = data[at]!;
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === "string") return value;
  if (type === "bool") return value !== 0;
  return nameNumber(type === "float16" ? fromHalf(value) : value);
}

/** A tensor as nested lists of its shape. */
function nest(tensor: Tensor): Nested {
  const { shape } = tensor;
  let at = 0;
  const level = (depth: number): Nested => {
    if (depth === shape.length) return valueAt(tensor, at++);
    const list: Nested[] = [];
    for (let i = 0; i < shape[depth]!; i++) list.push(level(depth + 1));
    return list;
  };
  return level(0);
}

/** Single values become rows of one, so that predictions are always a list of rows. */
const asRows = (tensor: Tensor): Tensor => {
  const { shape } = tensor;
  if (shape.length === 0) return { ...tensor, shape: [1, 1] };
  return shape.length === 1 ? { ...tensor, shape: [...shape, 1] } : tensor;
};

/** The output that is the answer: by the name exporters give it, else the first of numbers, else the first. */
function mainOutput({ outputs, task }: ModelSignature): string {
  const floats = outputs.filter(({ type }) => isFloat(type));
  const byName = task === "regression" ? undefined : floats.find(({ name }) => /prob|score/i.test(name));
  return (byName ?? floats[0] ?? outputs[0])!.name;
}

/** Another output with one whole number or text a row: the class the model itself chose. */
function classOutput(signature: ModelSignature, main: string): string | undefined {
  if (signature.task === "regression") return undefined;
  return signature.outputs.find(({ name, type, shape }) => {
    const isClass = type === "int64" || type === "int32" || type === "string";
    const isSingle = shape.length === 1 || (shape.length === 2 && shape[1] === 1);
    return isClass && isSingle && (name !== main || signature.task === "classification");
  })?.name;
}

function largest({ data }: Tensor, from: number, width: number): number {
  let best = 0;
  for (let i = 1; i < width; i++) if (Number(data[from + i]) > Number(data[from + best])) best = i;
  return best;
}

/** The class of each row, where the model has classes. */
function labelsOf(
  { labels, task }: ModelSignature,
  main: Tensor,
  chosen: Tensor | undefined,
): string[] | undefined {
  if (task === "regression") return undefined;
  if (chosen)
    return Array.from(chosen.data as ArrayLike<unknown>, (value) => labels?.[Number(value)] ?? String(value));
  const [rows = 0, width = 0] = main.shape;
  if (!labels || main.shape.length !== 2 || !isFloat(main.type) || main.type === "float16") return undefined;
  const perRow = (pick: (row: number) => number) =>
    Array.from({ length: rows }, (_, row) => labels[pick(row)]!);
  if (width === labels.length) return perRow((row) => largest(main, row * width, width));
  return width === 1 && labels.length === 2
    ? perRow((row) => Number(Number(main.data[row]) >= 0.5))
    : undefined;
}

const SUM_TOLERANCE = 1e-3;

/** The rows as distributions over the labels; `undefined` where the values are something else, such as logits. */
function distributions({ shape, data, type }: Tensor, labels: string[]): number[][] | undefined {
  const [rows = 0, width = 0] = shape;
  const isBinary = width === 1 && labels.length === 2;
  if (shape.length !== 2 || !isFloat(type) || type === "float16" || (width !== labels.length && !isBinary))
    return undefined;
  const result: number[][] = [];
  for (let row = 0; row < rows; row++) {
    const values = Array.from({ length: width }, (_, i) => Number(data[row * width + i]));
    if (!values.every((value) => value >= 0 && value <= 1 + SUM_TOLERANCE)) return undefined;
    const all = isBinary ? [1 - values[0]!, values[0]!] : values;
    if (Math.abs(all.reduce((sum, value) => sum + value, 0) - 1) > SUM_TOLERANCE) return undefined;
    result.push(all);
  }
  return result;
}

function probabilitiesOf(main: Tensor, labels: string[] | null): Record<string, NamedNumber>[] | undefined {
  if (!labels) return undefined;
  const rows = distributions(main, labels);
  return rows?.map((values) => Object.fromEntries(labels.map((label, i) => [label, nameNumber(values[i]!)])));
}

/** What a model answered, as the API says it. */
export function presentOutputs(signature: ModelSignature, outputs: Outputs): PredictionOutputs {
  const mainName = mainOutput(signature);
  const main = asRows(outputs[mainName]!);
  const className = classOutput(signature, mainName);
  const labels = labelsOf(signature, main, className === undefined ? undefined : outputs[className]);
  const probabilities = labels && probabilitiesOf(main, signature.labels);
  // Of a model that says what it is for, what is told above need not be told twice.
  const told = signature.task === null ? [] : [mainName, className];
  const all = Object.entries(outputs);
  const others = all.length > 1 ? all.filter(([name]) => !told.includes(name)) : [];
  return {
    predictions: nest(main),
    output_shape: main.shape,
    model_loaded: true,
    ...(labels && { labels }),
    ...(probabilities && { probabilities }),
    ...(others.length > 0 && {
      named: Object.fromEntries(others.map(([name, tensor]) => [name, nest(tensor)])),
    }),
  };
}
