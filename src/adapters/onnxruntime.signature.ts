import type { FeatureInfo, ModelSignature, TensorInfo, TensorType } from "../kernel/ports/model-pools.ts";
import { MalformedFile } from "../kernel/formats/byte-source.ts";
import type { ModelProto } from "./onnxruntime.model-proto.ts";

/** What ONNX Runtime tells of an input or output (its `ValueMetadata`). */
export type ValueMetadata =
  | { readonly name: string; readonly isTensor: false }
  | {
      readonly name: string;
      readonly isTensor: true;
      readonly type: string;
      readonly shape: readonly (number | string)[];
    };

const TYPES: ReadonlySet<string> = new Set<TensorType>([
  "float32",
  "float64",
  "int32",
  "int64",
  "bool",
  "string",
  "float16",
  "uint8",
  "int8",
]);

const WEIGHTED =
  /^(Gemm|MatMul\w*|QLinearMatMul|Conv\w*|QLinearConv|LSTM|GRU|RNN|TreeEnsemble\w*|Linear(Classifier|Regressor)|SVM\w+|\w*Attention)$/;

// Nothing can stop a run under way, and one thread serves everybody: a graph must not be able to run for ever.
const ENDLESS = ["Loop"];

// The engine tells a size that nobody gave as -1, which in 32 bits without a sign is the largest there is.
const isSize = (dim: number | string): boolean =>
  typeof dim === "string" ? dim !== "" : dim >= 0 && dim < 2 ** 31;

function tensorInfo(value: ValueMetadata, role: "input" | "output"): TensorInfo {
  const where = `its ${role} "${value.name}"`;
  if (!value.isTensor) {
    throw new MalformedFile(`${where} is a sequence or map, not a tensor (export without ZipMap)`);
  }
  if (value.name === "__proto__") throw new MalformedFile(`${where} has a name JSON objects cannot carry`);
  if (!TYPES.has(value.type))
    throw new MalformedFile(`${where} has the type ${value.type}, which is not served`);
  const shape = value.shape.map((dim) => (isSize(dim) ? dim : null));
  return { name: value.name, type: value.type as TensorType, shape };
}

function jsonOf(metadata: Map<string, string>, key: string): unknown {
  const text = metadata.get(key);
  if (text === undefined) return null;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MalformedFile(`its metadata ${key} is not JSON`, { cause });
  }
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === "string");

function isFeature(value: unknown): value is FeatureInfo {
  if (typeof value !== "object" || value === null) return false;
  const { name, kind, categories } = value as Record<string, unknown>;
  return (
    typeof name === "string" &&
    (kind === "numeric" || kind === "categorical") &&
    (categories === undefined || isTexts(categories))
  );
}

function labelsOf(metadata: Map<string, string>): string[] | null {
  const labels = jsonOf(metadata, "myelin.labels");
  if (labels === null) return null;
  if (!isTexts(labels)) throw new MalformedFile("its metadata myelin.labels is not a list of texts");
  return labels;
}

function featuresOf(metadata: Map<string, string>): FeatureInfo[] | null {
  const features = jsonOf(metadata, "myelin.features");
  if (features === null) return null;
  if (!Array.isArray(features) || !features.every(isFeature)) {
    throw new MalformedFile("its metadata myelin.features is not a list of {name, kind, categories?}");
  }
  if (new Set(features.map(({ name }) => name)).size < features.length) {
    throw new MalformedFile("its metadata myelin.features names a feature twice");
  }
  return features.map(({ name, kind, categories }) => ({ name, kind, ...(categories && { categories }) }));
}

function taskOf(metadata: Map<string, string>): ModelSignature["task"] {
  const task = metadata.get("myelin.task");
  return task === "classification" || task === "regression" ? task : null;
}

function layerCount(operators: Map<string, number>): number {
  let layers = 0;
  for (const [operator, count] of operators) if (WEIGHTED.test(operator)) layers += count;
  return layers;
}

/** What serving needs to know of a model; throws `MalformedFile` when it cannot be served. */
export function signatureOf(
  proto: ModelProto,
  inputs: readonly ValueMetadata[],
  outputs: readonly ValueMetadata[],
): ModelSignature {
  const { metadata, operators } = proto;
  return {
    inputs: inputs.map((value) => tensorInfo(value, "input")),
    outputs: outputs.map((value) => tensorInfo(value, "output")),
    task: taskOf(metadata),
    labels: labelsOf(metadata),
    features: featuresOf(metadata),
    layerCount: layerCount(operators),
  };
}

/** Refuses operators that could keep the one thread busy for ever. */
export function refuseEndless({ operators }: ModelProto): void {
  const found = ENDLESS.find((operator) => operators.has(operator));
  if (found)
    throw new MalformedFile(`it uses the operator ${found}, whose running time cannot be bounded here`);
}
