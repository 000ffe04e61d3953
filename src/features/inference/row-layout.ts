import type { FeatureInfo, ModelSignature, TensorInfo } from "../../kernel/ports/model-pools.ts";
import { isFloat } from "./tensor-fill.ts";

/** Where one value of a row goes. */
export interface Column {
  name: string;
  input: TensorInfo;
  /** Its place in the input's row, and how long that row is. */
  offset: number;
  width: number;
  /** `categorical`: any text; `ordinal`: the place of the text among `categories`. */
  kind: "plain" | "numeric" | "categorical" | "ordinal";
  categories?: string[];
}

const widthOf = ({ shape }: TensorInfo): number | null =>
  shape
    .slice(1)
    .reduce<number | null>(
      (width, dim) => (width === null || typeof dim !== "number" ? null : width * dim),
      1,
    );

const kindFor = (feature: FeatureInfo, input: TensorInfo): Column["kind"] => {
  if (feature.kind === "numeric") return "numeric";
  return input.type === "string" ? "categorical" : "ordinal";
};

const column = (feature: FeatureInfo, input: TensorInfo, offset: number, width: number): Column => ({
  name: feature.name,
  input,
  offset,
  width,
  kind: kindFor(feature, input),
  ...(feature.categories && { categories: feature.categories }),
});

/** The features that share one input: all of a kind its type can hold, as many as its row is long. */
function shared(features: FeatureInfo[], inputs: TensorInfo[]): Column[] | null {
  if (features.length === 0) return [];
  const [input, ...others] = inputs.filter((candidate) => widthOf(candidate) === features.length);
  if (!input || others.length > 0) return null;
  return features.map((feature, offset) => column(feature, input, offset, features.length));
}

/**
 * The inputs the declared features fill, in row order: a feature with an input of its own name and one value goes there; the rest share one input, or
 * one of texts and one of numbers. `null` when the inputs cannot be matched.
 */
function featureColumns(features: FeatureInfo[], inputs: TensorInfo[]): Column[] | null {
  const own = new Map<string, Column>();
  for (const feature of features) {
    const input = inputs.find(({ name }) => name === feature.name);
    if (input && widthOf(input) === 1) own.set(feature.name, column(feature, input, 0, 1));
  }
  const rest = features.filter(({ name }) => !own.has(name));
  const free = inputs.filter(({ name }) => !own.has(name));
  const texts = free.filter(({ type }) => type === "string");
  const numbers = free.filter(({ type }) => type !== "string");
  const [categorical, numeric] =
    texts.length > 0
      ? [
          shared(
            rest.filter(({ kind }) => kind === "categorical"),
            texts,
          ),
          shared(
            rest.filter(({ kind }) => kind === "numeric"),
            numbers,
          ),
        ]
      : [[], shared(rest, numbers)];
  if (!categorical || !numeric) return null;
  const byName = new Map([...own, ...[...categorical, ...numeric].map((one) => [one.name, one] as const)]);
  const filled = new Set([...byName.values()].map(({ input }) => input.name));
  if (!inputs.every(({ name }) => filled.has(name))) return null;
  const columns = features.map(({ name }) => byName.get(name));
  return columns.every((one) => one !== undefined) ? columns : null;
}

/** Without declared features, inputs of one value each are the columns. */
function inputColumns(inputs: TensorInfo[]): Column[] | null {
  if (inputs.length < 2 || !inputs.every((input) => input.shape.length > 0 && widthOf(input) === 1))
    return null;
  return inputs.map((input) => ({ name: input.name, input, offset: 0, width: 1, kind: "plain" }));
}

const layouts = new WeakMap<ModelSignature, Column[] | null>();

/** The named columns a row of this model consists of; `null` when it has none. */
export function columnsOf(signature: ModelSignature): Column[] | null {
  const known = layouts.get(signature);
  if (known !== undefined) return known;
  const { features, inputs } = signature;
  const columns = (features && featureColumns(features, inputs)) ?? inputColumns(inputs);
  layouts.set(signature, columns);
  return columns;
}

/** Whether `null` may stand for a missing value there. */
export const allowsMissing = ({ kind, input }: Column): boolean =>
  kind === "categorical" || (kind === "numeric" && isFloat(input.type));

/** The length of a row of a model with a single input, where its shape tells. */
export const plainWidth = widthOf;
