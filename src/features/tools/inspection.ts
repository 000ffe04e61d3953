import { isLearned, layerCountOf, layerTypesOf, parametersOf } from "../../kernel/formats/layers.ts";
import type { ModelFile } from "../../kernel/formats/model-file.ts";
import type { OnnxDocument } from "../../kernel/formats/onnx-document.ts";
import type { Inspection } from "./tools.schema.ts";

const MAX_LAYERS = 10_000;
const MAX_TEXT = 10_000;

const UNITS = ["B", "KB", "MB", "GB", "TB"];

/** Bytes in the largest unit that leaves a whole number before the point, by 1024. */
export function readableSize(bytes: number): string {
  const unit = bytes > 0 ? Math.min(UNITS.length - 1, Math.floor(Math.log(bytes) / Math.log(1024))) : 0;
  return `${(bytes / 1024 ** unit).toFixed(2)} ${UNITS[unit]}`;
}

/** The operator that uses each weight of a graph. */
function operatorsByWeight({ nodes }: OnnxDocument): Map<string, string> {
  const users = new Map<string, string>();
  for (const { opType, inputs } of nodes)
    for (const input of inputs) users.set(input, users.get(input) ?? opType);
  return users;
}

function operatorCount({ nodes, initializers }: OnnxDocument): number {
  const weights = new Set(initializers.map(({ name }) => name));
  return nodes.filter(({ inputs }) => inputs.some((input) => weights.has(input))).length;
}

const cut = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);

const sum = (numbers: number[]): number => numbers.reduce((total, one) => total + one, 0);

function memoryByType({ tensors }: ModelFile): Record<string, number> {
  const memory: Record<string, number> = {};
  for (const { dtype, bytes } of tensors) memory[dtype] = (memory[dtype] ?? 0) + bytes;
  return memory;
}

function graphOf({ graph }: ModelFile): Inspection["graph"] {
  if (!graph) return null;
  const { irVersion, producer, opsets, operators, inputs, outputs } = graph;
  return { ir_version: irVersion, producer, opsets, operators, inputs, outputs };
}

/** What a model file holds; `document` is the graph of an ONNX file. */
export function inspectionOf(
  name: string,
  fileSize: number,
  model: ModelFile,
  document: OnnxDocument | undefined,
): Inspection {
  const { tensors, format, metadata } = model;
  const users = document && operatorsByWeight(document);
  const types = users ? tensors.map((tensor) => users.get(tensor.name) ?? null) : layerTypesOf(model);
  const parameters = tensors.map(parametersOf);
  const total = sum(parameters);
  const learned = sum(parameters.filter((_, i) => isLearned(tensors[i]!)));
  return {
    ...{ name, format, file_size: fileSize, num_parameters: total, num_tensors: tensors.length },
    num_layers: document ? operatorCount(document) : layerCountOf(model),
    layers: tensors.slice(0, MAX_LAYERS).map((tensor, index) => ({
      ...{ index, name: tensor.name, layer_type: types[index]!, shape: tensor.shape },
      ...{
        num_params: parameters[index]!,
        dtype: tensor.dtype,
        trainable: document ? null : isLearned(tensor),
      },
    })),
    layers_truncated: tensors.length > MAX_LAYERS,
    metadata: Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, cut(value)])),
    ...{ memory_fp32: readableSize(total * 4), memory_fp16: readableSize(total * 2) },
    memory_by_dtype: memoryByType(model),
    trainable_params: document ? null : learned,
    non_trainable_params: document ? null : total - learned,
    graph: graphOf(model),
  };
}
