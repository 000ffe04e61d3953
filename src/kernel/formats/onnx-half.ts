import { recoded } from "./elements.ts";
import type { TensorInfo } from "./model-file.ts";
import type { OnnxDocument } from "./onnx-document.ts";
import { Names, operator } from "./onnx-graph.ts";

/** Weights smaller than this stay as they are: nothing would be saved. */
const MIN_BYTES = 1024;
const TO_FLOAT = { to: 1 };

/**
 * Keeps large float32 weights in half precision and widens them where they are used: half the size, and arithmetic as it
 * was. Engines do the widening once, when they load the model.
 */
export function halved(document: OnnxDocument): OnnxDocument {
  const names = new Names(document);
  const casts: OnnxDocument["nodes"] = [];
  const initializers = document.initializers.map((tensor): TensorInfo => {
    if (tensor.dtype !== "F32" || tensor.bytes < MIN_BYTES) return tensor;
    const name = names.fresh(`${tensor.name}.half`);
    casts.push(operator("Cast", [name], [tensor.name], TO_FLOAT));
    return {
      ...{ name, dtype: "F16", shape: tensor.shape, bytes: tensor.bytes / 2 },
      read: () => recoded(tensor.read(), "F32", "F16"),
    };
  });
  return { ...document, ...withoutInputs(document, initializers), nodes: [...casts, ...document.nodes] };
}

/** What became the result of an operator may no longer stand among the inputs, where old models list their weights. */
function withoutInputs({ inputs, initializers }: OnnxDocument, now: TensorInfo[]) {
  const kept = new Set(now.map(({ name }) => name));
  const gone = new Set(initializers.map(({ name }) => name).filter((name) => !kept.has(name)));
  return { initializers: now, inputs: inputs.filter(({ name }) => !gone.has(name)) };
}

/** The way back: weights in half precision that are only widened become float32 weights again. */
export function widened(document: OnnxDocument): OnnxDocument {
  const halves = new Map(
    document.initializers.filter(({ dtype }) => dtype === "F16").map((tensor) => [tensor.name, tensor]),
  );
  const uses = new Map<string, number>();
  for (const { inputs } of document.nodes)
    for (const input of inputs) uses.set(input, (uses.get(input) ?? 0) + 1);
  const wide: TensorInfo[] = [];
  const gone = new Set<string>();
  const nodes = document.nodes.filter(({ opType, inputs, outputs }) => {
    const half = opType === "Cast" ? halves.get(inputs[0]!) : undefined;
    if (!half || uses.get(half.name) !== 1) return true;
    gone.add(half.name);
    wide.push({
      ...{ name: outputs[0]!, dtype: "F32", shape: half.shape, bytes: half.bytes * 2 },
      read: () => recoded(half.read(), "F16", "F32"),
    });
    return false;
  });
  const initializers = [...document.initializers.filter(({ name }) => !gone.has(name)), ...wide];
  return { ...document, initializers, nodes };
}
