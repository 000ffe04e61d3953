import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { type Converted as Made, toGguf, toSafetensors, toStateDict } from "../../kernel/formats/convert.ts";
import { isBlockType } from "../../kernel/formats/ggml-blocks.ts";
import { parametersOf } from "../../kernel/formats/layers.ts";
import { mlpToOnnx } from "../../kernel/formats/mlp.ts";
import { elementsOf, type ModelFile } from "../../kernel/formats/model-file.ts";
import { type OnnxDocument, readOnnxDocument } from "../../kernel/formats/onnx-document.ts";
import { halved, widened } from "../../kernel/formats/onnx-half.ts";
import { raised } from "../../kernel/formats/onnx-opset.ts";
import { quantizeDynamically, quantizeWeights } from "../../kernel/formats/onnx-quantize.ts";
import { writeOnnx } from "../../kernel/formats/onnx-write.ts";
import { withoutZipMap } from "../../kernel/formats/onnx-zipmap.ts";
import { storeFile } from "../files/index.ts";
import {
  addToolVersion,
  getVersionForServing,
  type ModelVersion,
  type OwnedVersion,
} from "../models/index.ts";
import { inspectionOf } from "./inspection.ts";
import { blamingFile, type Opened, openModel } from "./model-source.ts";
import { findQuantizationType, QUANTIZATION_TYPES, type QuantizationName } from "./quantizations.ts";
import * as errors from "./tools.errors.ts";
import type {
  Convert,
  Converted,
  Export,
  Exported,
  Inspection,
  Quantized,
  QuantizationTypes,
} from "./tools.schema.ts";

/** What of a model's file is told without reading its weights. */
export async function inspect(ctx: Ctx, modelId: string, ref: string): Promise<Inspection> {
  allow(ctx, "models:read");
  const version = await getVersionForServing(ctx, modelId, ref);
  const { source, model } = await openModel(ctx, version);
  const document = model.format === "onnx" ? await blamingFile(() => readOnnxDocument(source)) : undefined;
  return inspectionOf(version.modelName, version.fileSize, model, document);
}

/** A version whose file can be made into another. */
async function openForTool(
  ctx: Ctx,
  modelId: string,
  ref: string,
): Promise<Opened & { version: OwnedVersion }> {
  const version = await getVersionForServing(ctx, modelId, ref);
  const opened = await openModel(ctx, version);
  if (opened.model.format === "unknown") throw errors.formatUnknown();
  if (opened.model.tensors.length === 0 && !opened.model.graph) throw errors.noWeights();
  return { ...opened, version };
}

const EXTENSIONS = { onnx: "onnx", safetensors: "safetensors", "state-dict": "json", gguf: "gguf" } as const;
type Target = keyof typeof EXTENSIONS;

/** Streams what was made into a new version beside the one it was made of. */
async function keep(
  ctx: Ctx,
  version: OwnedVersion,
  { made, target, suffix, tool }: { made: Made; target: Target; suffix: string; tool: string },
): Promise<ModelVersion> {
  const stem = version.fileName.replace(/\.[^.]*$/, "") || "model";
  const name = `${stem}${suffix}.${EXTENSIONS[target]}`;
  const file = { name, body: made.body, size: made.size };
  const stored = await blamingFile(() => storeFile(ctx, `models/${version.modelId}`, file));
  return addToolVersion(ctx, version, stored, { tool, target: suffix.slice(1) || target });
}

const withoutWarnings = (writing: Omit<Made, "warnings">, warnings: string[] = []): Made => ({
  ...writing,
  warnings,
});

async function toOnnx({ source, model }: Opened, input: Convert): Promise<Made> {
  if (model.format !== "onnx") {
    const made = mlpToOnnx(model, input.activation, input.output_activation);
    return withoutWarnings(made, [
      `The activations are as asked for (${input.activation}): weights do not say.`,
    ]);
  }
  const before = await readOnnxDocument(source);
  let document = input.optimize ? (withoutZipMap(before) ?? before) : before;
  if (input.opset !== undefined) document = raised(document, input.opset);
  if (input.precision) document = input.precision === "fp16" ? halved(document) : widened(document);
  const isSame = document === before;
  return withoutWarnings(writeOnnx(document), isSame ? ["It is ONNX already; nothing was changed."] : []);
}

const PRECISION = { fp32: "F32", fp16: "F16" } as const;

const TARGETS: Record<string, Target> = {
  ...{
    onnx: "onnx",
    safetensors: "safetensors",
    json: "state-dict",
    "state-dict": "state-dict",
    gguf: "gguf",
  },
};
const NATIVE = ["axonml", "binary"];

function make(opened: Opened, name: string, target: Target, input: Convert): Promise<Made> {
  const precision = input.precision && PRECISION[input.precision];
  return blamingFile(async () => {
    switch (target) {
      case "onnx":
        return toOnnx(opened, input);
      case "safetensors":
        return toSafetensors(opened.model, precision);
      case "gguf":
        return toGguf(opened.model, name, precision);
      case "state-dict":
        return toStateDict(opened.model);
    }
  });
}

const sizeOf = ({ tensors }: ModelFile): number =>
  tensors.reduce((total, tensor) => total + parametersOf(tensor), 0);

/** Writes a version's model in another format, as a new version. */
export async function convert(ctx: Ctx, modelId: string, ref: string, input: Convert): Promise<Converted> {
  allow(ctx, "models:write");
  const wanted = input.target_format.toLowerCase();
  const target = TARGETS[wanted];
  if (NATIVE.includes(wanted))
    throw errors.notMade(`The format ${wanted}`, "it is the reference system's own");
  if (!target) throw errors.targetUnknown("target_format", input.target_format, Object.keys(TARGETS));
  const opened = await openForTool(ctx, modelId, ref);
  const { version, model } = opened;
  const made = await make(opened, version.modelName, target, input);
  const suffix = input.precision ? `.${input.precision}` : "";
  const kept = await keep(ctx, version, { made, target, suffix, tool: "convert" });
  return {
    ...{ input_file: version.fileName, output_file: kept.file_name, version: kept },
    ...{ input_format: model.format, output_format: target },
    ...{ input_size: version.fileSize, output_size: kept.file_size, num_parameters: sizeOf(model) },
    warnings: made.warnings,
  };
}

const REWRITES: Partial<
  Record<QuantizationName, (document: OnnxDocument) => Promise<OnnxDocument> | OnnxDocument>
> = {
  F16: halved,
  F32: widened,
  INT8_DYNAMIC: quantizeDynamically,
  INT8_WEIGHTS: quantizeWeights,
};

async function quantizedFile(
  { source, model }: Opened,
  name: string,
  type: QuantizationName,
): Promise<{ made: Made; target: Target }> {
  if (isBlockType(type)) return { made: toGguf(model, name, type), target: "gguf" };
  const rewrite = REWRITES[type];
  if (model.format === "onnx" && rewrite) {
    const document = await rewrite(await readOnnxDocument(source));
    return { made: withoutWarnings(writeOnnx(document)), target: "onnx" };
  }
  const precision = type === "F16" ? "F16" : "F32";
  if (model.format === "gguf") return { made: toGguf(model, name, precision), target: "gguf" };
  return { made: toSafetensors(model, precision), target: "safetensors" };
}

/** The type most parameters are of. */
function mainType({ tensors }: ModelFile): string {
  const counts = new Map<string, number>();
  for (const { dtype, shape } of tensors) counts.set(dtype, (counts.get(dtype) ?? 0) + elementsOf(shape));
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? "none";
}

/** Makes a version smaller, or wide again, as a new version. */
export async function quantize(ctx: Ctx, modelId: string, ref: string, given: string): Promise<Quantized> {
  allow(ctx, "models:write");
  const type = findQuantizationType(given);
  if (!type)
    throw errors.targetUnknown(
      "target_type",
      given,
      QUANTIZATION_TYPES.map(({ name }) => name),
    );
  const opened = await openForTool(ctx, modelId, ref);
  const { version, model } = opened;
  if (!type.sources.includes(model.format))
    throw errors.notMade(`${type.name} of ${model.format}`, `it is made of ${type.sources.join(", ")}`);
  const { made, target } = await blamingFile(() => quantizedFile(opened, version.modelName, type.name));
  const kept = await keep(ctx, version, {
    made,
    target,
    suffix: `.${type.name.toLowerCase()}`,
    tool: "quantize",
  });
  return {
    ...{ input_file: version.fileName, output_file: kept.file_name, version: kept },
    ...{ source_type: mainType(model), target_type: type.name },
    ...{ input_size: version.fileSize, output_size: kept.file_size, num_parameters: sizeOf(model) },
    compression_ratio: version.fileSize / kept.file_size,
    warnings: made.warnings,
  };
}

const EXPORTS: Record<string, { target: Target; format: string; compatible: string[] }> = {
  onnx: {
    target: "onnx",
    format: "ONNX",
    compatible: ["ONNX Runtime", "TensorRT", "OpenVINO", "Core ML Tools"],
  },
  safetensors: {
    target: "safetensors",
    format: "SafeTensors",
    compatible: ["PyTorch", "Hugging Face", "JAX"],
  },
  gguf: { target: "gguf", format: "GGUF", compatible: ["GGML"] },
  json: { target: "state-dict", format: "JSON", compatible: ["Inspection", "Debugging"] },
};

/** Writes a version's model for other programs, as a new version whose file can be downloaded. */
export async function exportModel(ctx: Ctx, modelId: string, ref: string, input: Export): Promise<Exported> {
  allow(ctx, "models:write");
  const wanted = EXPORTS[input.target.toLowerCase()];
  if (input.target.toLowerCase() === "torchscript")
    throw errors.notMade("TorchScript", "it takes PyTorch itself to trace a model");
  if (!wanted) throw errors.targetUnknown("target", input.target, Object.keys(EXPORTS));
  const opened = await openForTool(ctx, modelId, ref);
  const model = input.include_metadata ? opened.model : { ...opened.model, metadata: {} };
  const { activation, output_activation } = input;
  const asked = { target_format: wanted.target, activation, output_activation };
  const made = await make({ ...opened, model }, opened.version.modelName, wanted.target, asked);
  const kept = await keep(ctx, opened.version, {
    made,
    target: wanted.target,
    suffix: ".export",
    tool: "export",
  });
  return {
    ...{ output_file: kept.file_name, format: wanted.format, size: kept.file_size },
    ...{ compatible_with: wanted.compatible, warnings: made.warnings, version: kept },
  };
}

export function listQuantizationTypes(ctx: Ctx): QuantizationTypes {
  allow(ctx, "models:read");
  const types = QUANTIZATION_TYPES.map(
    ({ name, bitsPerWeight, description, format, sources, isServable, aliases }) => ({
      ...{ name, bits_per_weight: bitsPerWeight, description, format: format ?? "as it was" },
      ...{ source_formats: [...sources], servable: isServable, aliases: [...aliases] },
    }),
  );
  return { types };
}
