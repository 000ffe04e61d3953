import { ggmlTypeNamed } from "./ggml-layouts.ts";
import { elementsOf, isElementType, type ModelFile, type TensorInfo } from "./model-file.ts";

/** What a module keeps besides what it learns, by PyTorch's names. */
const KEPT = /(^|\.)(running_mean|running_var|num_batches_tracked)$/;

export const isLearned = ({ name, dtype }: TensorInfo): boolean =>
  !KEPT.test(name) && /^(F|BF|Q)/.test(dtype);

/** Numbers a tensor holds; texts and objects are none. */
export const parametersOf = ({ dtype, shape }: TensorInfo): number =>
  isElementType(dtype) || ggmlTypeNamed(dtype) ? elementsOf(shape) : 0;

const moduleOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf(".")));

const BY_NAME: [RegExp, string][] = [
  [/embed|wte|wpe/i, "Embedding"],
  [/lstm/i, "LSTM"],
  [/(^|\W|_)gru/i, "GRU"],
  [/attn|attention/i, "Attention"],
  [/layer_?norm|(^|\.)ln_?\d*\.|rms_?norm|_norm/i, "LayerNorm"],
  [/batch_?norm|(^|\.)bn\d*\./i, "BatchNorm"],
];

/** By name and shape, which is all that files of weights say: `null` where that says nothing. */
function guess(name: string, shape: readonly number[], hasRunningMean: boolean): string | null {
  if (hasRunningMean) return "BatchNorm";
  const named = BY_NAME.find(([pattern]) => pattern.test(name))?.[1];
  if (named) return named;
  if (shape.length === 4) return "Conv2d";
  if (shape.length === 3) return "Conv1d";
  return shape.length === 2 ? "Linear" : null;
}

/** The kind of layer each tensor is of; tensors of one module share it. */
export function layerTypesOf({ tensors }: ModelFile): (string | null)[] {
  const running = new Set(
    tensors.filter(({ name }) => name.endsWith(".running_mean")).map(({ name }) => moduleOf(name)),
  );
  const byModule = new Map<string, string | null>();
  for (const { name, shape } of tensors) {
    const module = moduleOf(name);
    byModule.set(module, byModule.get(module) ?? guess(name, shape, running.has(module)));
  }
  return tensors.map(({ name, shape }) =>
    moduleOf(name) === "" ? guess(name, shape, false) : byModule.get(moduleOf(name))!,
  );
}

/** Modules that hold tensors; of names without modules each is one of its own. */
export const layerCountOf = ({ tensors }: ModelFile): number =>
  new Set(tensors.map(({ name }) => moduleOf(name) || name)).size;
