import { MalformedFile } from "./byte-source.ts";
import { isFloatType, type NumberType, recoded } from "./elements.ts";
import { elementsOf, type ModelFile, type TensorInfo, type Writing } from "./model-file.ts";
import type { OnnxDocument, OnnxNode } from "./onnx-document.ts";
import { valueInfo } from "./onnx-encode.ts";
import { operator } from "./onnx-graph.ts";
import { writeOnnx } from "./onnx-write.ts";
import { concat } from "./protobuf-encode.ts";

/** What stands between layers; the last one's output is as it is, or made probabilities. */
export const ACTIVATIONS = ["Relu", "Tanh", "Sigmoid", "LeakyRelu", "Elu"] as const;
export type Activation = (typeof ACTIVATIONS)[number];
export const OUTPUTS = ["linear", "Softmax", "Sigmoid"] as const;
export type OutputActivation = (typeof OUTPUTS)[number];

interface Linear {
  weight: TensorInfo;
  bias: TensorInfo | undefined;
}

const IR_VERSION = 8;
const OPSET = 17;

const isFloat = ({ dtype }: TensorInfo): boolean => isFloatType(dtype);

/** The layers of a fully connected network in the file's order: `<name>.weight` [out, in], and `<name>.bias` [out]. */
function layersOf({ tensors }: ModelFile): Linear[] {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const layers: Linear[] = [];
  const used = new Set<string>();
  for (const weight of tensors) {
    if (!weight.name.endsWith("weight") || weight.shape.length !== 2 || !isFloat(weight)) continue;
    const bias = byName.get(`${weight.name.slice(0, -"weight".length)}bias`);
    const isBias = bias && isFloat(bias) && bias.shape.length === 1 && bias.shape[0] === weight.shape[0];
    layers.push({ weight, bias: isBias ? bias : undefined });
    used.add(weight.name);
    if (isBias) used.add(bias.name);
  }
  const other = tensors.find(({ name }) => !used.has(name));
  if (other) throw new MalformedFile(`“${other.name}” is no part of a fully connected network`);
  return inOrder(layers);
}

/** Digits in names count as numbers: `layer_10` comes after `layer_9`, whatever the file's order. */
function inOrder(layers: Linear[]): Linear[] {
  const sorted = layers.toSorted((a, b) =>
    a.weight.name.localeCompare(b.weight.name, "en", { numeric: true }),
  );
  const fits = (order: Linear[]) =>
    order.every(({ weight }, i) => i === 0 || weight.shape[1] === order[i - 1]!.weight.shape[0]);
  const order = [layers, sorted].find(fits);
  if (layers.length === 0 || !order)
    throw new MalformedFile("its weights are no chain of fully connected layers, [out, in] each");
  return order;
}

const wide = ({ name, shape, dtype, read }: TensorInfo): TensorInfo => ({
  ...{ name, shape, dtype: "F32", bytes: elementsOf(shape) * 4 },
  read: () => recoded(read(), dtype as NumberType, "F32"),
});

function nodesOf(layers: Linear[], hidden: Activation, output: OutputActivation): OnnxNode[] {
  const nodes: OnnxNode[] = [];
  let value = "input";
  layers.forEach(({ weight, bias }, i) => {
    const isLast = i === layers.length - 1;
    const activation = isLast ? output : hidden;
    const isPlain = activation === "linear";
    const sum = isLast && isPlain ? "output" : `layer${i}`;
    nodes.push(operator("Gemm", [value, weight.name, ...(bias ? [bias.name] : [])], [sum], { transB: 1 }));
    value = isLast ? "output" : `layer${i}.active`;
    if (!isPlain) nodes.push(operator(activation, [sum], [value]));
  });
  return nodes;
}

/** A fully connected network as an ONNX graph: `input` [batch, in] to `output` [batch, out]. */
export function mlpToOnnx(model: ModelFile, hidden: Activation, output: OutputActivation): Writing {
  const layers = layersOf(model);
  const edge = (name: string, size: number) => ({
    name,
    bytes: concat(valueInfo(name, "float", ["batch", size])),
  });
  const document: OnnxDocument = {
    ...{ irVersion: IR_VERSION, opsets: new Map([["", OPSET]]), graphName: "myelin" },
    metadata: new Map(Object.entries(model.metadata).filter(([key]) => key !== "pickle.imports")),
    nodes: nodesOf(layers, hidden, output),
    initializers: layers.flatMap(({ weight, bias }) => [weight, ...(bias ? [bias] : [])]).map(wide),
    inputs: [edge("input", layers[0]!.weight.shape[1]!)],
    outputs: [edge("output", layers.at(-1)!.weight.shape[0]!)],
    rest: { model: [], graph: [] },
  };
  return writeOnnx(document);
}
