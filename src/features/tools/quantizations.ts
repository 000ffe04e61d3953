import type { BlockTypeName } from "../../kernel/formats/ggml-blocks.ts";
import type { ModelFormat } from "../../kernel/formats/model-file.ts";

export type QuantizationName = BlockTypeName | "F16" | "F32" | "INT8_DYNAMIC" | "INT8_WEIGHTS";

export interface QuantizationType {
  name: QuantizationName;
  bitsPerWeight: number;
  description: string;
  /** What it makes; `null` where that is what it was made of. */
  format: ModelFormat | null;
  sources: readonly ModelFormat[];
  isServable: boolean;
  aliases: readonly string[];
}

const ALL: readonly ModelFormat[] = ["onnx", "safetensors", "pytorch", "npz", "npy", "state-dict", "gguf"];

const blocks = (
  name: BlockTypeName,
  bitsPerWeight: number,
  description: string,
  aliases: string[] = [],
): QuantizationType => ({
  ...{ name, bitsPerWeight, description, aliases },
  ...{ format: "gguf", sources: ALL, isServable: false },
});

/** In the reference's order, with GGML's block layouts, then what serves in an ONNX graph. */
export const QUANTIZATION_TYPES: readonly QuantizationType[] = [
  blocks("Q4_0", 4.5, "32 weights share a half-precision scale; 4 bits each", ["Q4", "INT4"]),
  blocks("Q4_1", 5, "32 weights share a scale and a minimum; 4 bits each"),
  blocks("Q5_0", 5.5, "32 weights share a scale; 5 bits each", ["Q5"]),
  blocks("Q5_1", 6, "32 weights share a scale and a minimum; 5 bits each"),
  blocks("Q8_0", 8.5, "32 weights share a scale; 8 bits each", ["Q8", "INT8"]),
  {
    ...{
      name: "F16",
      bitsPerWeight: 16,
      description: "Half precision; an ONNX graph widens its weights when it loads",
    },
    ...{ format: null, sources: ALL, isServable: true, aliases: ["FP16", "HALF"] },
  },
  {
    ...{ name: "F32", bitsPerWeight: 32, description: "Single precision" },
    ...{ format: null, sources: ALL, isServable: true, aliases: ["FP32", "FLOAT", "FULL"] },
  },
  {
    ...{ name: "INT8_DYNAMIC", bitsPerWeight: 8, aliases: ["DYNAMIC"] },
    description:
      "Products of matrices in whole numbers, a scale a column; inputs quantized while the model runs",
    ...{ format: "onnx", sources: ["onnx"], isServable: true },
  },
  {
    ...{ name: "INT8_WEIGHTS", bitsPerWeight: 8, aliases: ["WEIGHT_ONLY"] },
    description: "Weights as bytes with a scale a channel; arithmetic in single precision",
    ...{ format: "onnx", sources: ["onnx"], isServable: true },
  },
];

/** By name or alias, in any case. */
export function findQuantizationType(given: string): QuantizationType | undefined {
  const wanted = given.toUpperCase();
  return QUANTIZATION_TYPES.find(({ name, aliases }) => name === wanted || aliases.includes(wanted));
}
