import { z } from "#http/contract";
import { ACTIVATIONS, OUTPUTS } from "../../kernel/formats/mlp.ts";
import { NEWEST_OPSET } from "../../kernel/formats/onnx-opset.ts";
import { ModelVersion } from "../models/index.ts";

const Value = z
  .object({
    name: z.string(),
    dtype: z.string(),
    shape: z
      .array(z.union([z.number().int(), z.string(), z.null()]))
      .nullable()
      .openapi({ description: "A size, a name for one, or null where it is unknown." }),
  })
  .openapi("GraphValue");

const Layer = z
  .object({
    index: z.number().int().openapi({ description: "Its place in the file, from 0." }),
    name: z.string(),
    layer_type: z.string().nullable().openapi({
      description:
        "Of an ONNX file the operator that uses it; else by name and shape, null where they say nothing.",
    }),
    shape: z.array(z.number().int()),
    num_params: z.number().int(),
    dtype: z.string(),
    trainable: z.boolean().nullable().openapi({ description: "Null where the file does not say." }),
  })
  .openapi("InspectedTensor");

export const Inspection = z
  .object({
    name: z.string(),
    format: z.string(),
    file_size: z.number().int(),
    num_parameters: z.number().int(),
    num_tensors: z.number().int(),
    num_layers: z
      .number()
      .int()
      .openapi({ description: "Modules, or operators of a graph, that hold tensors." }),
    layers: z.array(Layer).openapi({ description: "Its tensors in the file's order, 10,000 at most." }),
    layers_truncated: z.boolean(),
    metadata: z.record(z.string(), z.string()),
    memory_fp32: z.string(),
    memory_fp16: z.string(),
    memory_by_dtype: z.record(z.string(), z.number().int()).openapi({ description: "Bytes in the file." }),
    trainable_params: z.number().int().nullable(),
    non_trainable_params: z.number().int().nullable(),
    graph: z
      .object({
        ir_version: z.number().int(),
        producer: z.string(),
        opsets: z.record(z.string(), z.number().int()),
        operators: z.record(z.string(), z.number().int()),
        inputs: z.array(Value),
        outputs: z.array(Value),
      })
      .nullable(),
  })
  .openapi("ModelInspection");
export type Inspection = z.infer<typeof Inspection>;

export const PRECISIONS = ["fp32", "fp16"] as const;

export const Convert = z
  .object({
    target_format: z
      .string()
      .max(50)
      .openapi({ description: "`safetensors`, `onnx`, `json` or `gguf`.", example: "safetensors" }),
    precision: z
      .enum(PRECISIONS)
      .optional()
      .openapi({ description: "What floats become; as they are when absent." }),
    activation: z
      .enum(ACTIVATIONS)
      .default("Relu")
      .openapi({ description: "Between layers, of weights made into an ONNX graph." }),
    output_activation: z.enum(OUTPUTS).default("linear"),
    opset: z
      .number()
      .int()
      .min(7)
      .max(NEWEST_OPSET)
      .optional()
      .openapi({ description: "Of ONNX to ONNX: the operator set to raise the graph to, where it can be." }),
    optimize: z
      .boolean()
      .optional()
      .openapi({ description: "Of ONNX to ONNX: takes out ZipMaps, so that probabilities are a tensor." }),
  })
  .openapi("ConvertModel");
export type Convert = z.infer<typeof Convert>;

const Made = z.object({
  input_file: z.string(),
  output_file: z.string().openapi({ description: "The new version's file name." }),
  input_size: z.number().int(),
  output_size: z.number().int(),
  num_parameters: z.number().int(),
  warnings: z.array(z.string()),
  version: ModelVersion,
});

export const Converted = Made.extend({ input_format: z.string(), output_format: z.string() }).openapi(
  "ConvertedModel",
);
export type Converted = z.infer<typeof Converted>;

export const Quantize = z
  .object({
    target_type: z
      .string()
      .max(50)
      .openapi({ description: "One of `GET /api/tools/quantization-types`, or an alias.", example: "Q8_0" }),
  })
  .openapi("QuantizeModel");

export const Quantized = Made.extend({
  source_type: z.string().openapi({ description: "What most of its weights were." }),
  target_type: z.string(),
  compression_ratio: z.number().openapi({ description: "Size before by size after." }),
}).openapi("QuantizedModel");
export type Quantized = z.infer<typeof Quantized>;

export const Export = z
  .object({
    target: z
      .string()
      .max(50)
      .openapi({ description: "`onnx`, `safetensors`, `gguf` or `json`.", example: "safetensors" }),
    include_metadata: z.boolean().default(true),
    activation: Convert.shape.activation,
    output_activation: Convert.shape.output_activation,
  })
  .openapi("ExportModel");
export type Export = z.infer<typeof Export>;

export const Exported = z
  .object({
    output_file: z.string(),
    format: z.string(),
    size: z.number().int(),
    compatible_with: z.array(z.string()),
    warnings: z.array(z.string()),
    version: ModelVersion,
  })
  .openapi("ExportedModel");
export type Exported = z.infer<typeof Exported>;

export const QuantizationTypes = z
  .object({
    types: z.array(
      z.object({
        name: z.string(),
        bits_per_weight: z.number(),
        description: z.string(),
        format: z.string().openapi({ description: "The format of what is made." }),
        source_formats: z.array(z.string()).openapi({ description: "What it can be made of." }),
        servable: z.boolean().openapi({ description: "Whether an endpoint here can serve what is made." }),
        aliases: z.array(z.string()),
      }),
    ),
  })
  .openapi("QuantizationTypes");
export type QuantizationTypes = z.infer<typeof QuantizationTypes>;
