import { MalformedFile } from "./byte-source.ts";
import { inWhole, isFloatType, isNumberType, type NumberType, recoded } from "./elements.ts";
import {
  BLOCK_ELEMENTS,
  BLOCK_TYPES,
  type BlockTypeName,
  fromBlocks,
  isBlockType,
  toBlocks,
} from "./ggml-blocks.ts";
import { ggmlTypeNamed } from "./ggml-layouts.ts";
import { type GgufTensor, writeGguf } from "./gguf.ts";
import {
  ELEMENT_BYTES,
  elementsOf,
  isElementType,
  type ModelFile,
  type TensorInfo,
  type TensorSource,
  type Writing,
} from "./model-file.ts";
import { writeSafetensors } from "./safetensors.ts";
import { writeStateDict } from "./state-dict.ts";

/** A file to be written, and what was lost on the way, for people. */
export interface Converted extends Writing {
  warnings: string[];
}

/** What float tensors become. */
export type Precision = "F32" | "F16";

const floats = (bytes: Uint8Array): Float32Array =>
  new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer);
const bytesOf = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** A tensor whose elements can be written; blocks become the numbers they stand for. `undefined` for what has none. */
function plain(tensor: TensorInfo, precision: Precision | undefined): TensorSource | undefined {
  const { name, shape, dtype, read } = tensor;
  if (isBlockType(dtype)) {
    const { blockBytes } = BLOCK_TYPES[dtype];
    const wide = () => inWhole(read(), blockBytes, (bytes) => bytesOf(fromBlocks(dtype, bytes)));
    const to = precision ?? "F32";
    return { name, shape, dtype: to, read: () => recoded(wide(), "F32", to) };
  }
  if (!isElementType(dtype)) return undefined;
  const to = precision && isFloatType(dtype) ? precision : dtype;
  return {
    name,
    shape,
    dtype: to,
    read: () => (isNumberType(dtype) ? recoded(read(), dtype, to as NumberType) : read()),
  };
}

function plainTensors({ tensors }: ModelFile, precision?: Precision) {
  const sources = tensors.map((tensor) => plain(tensor, precision));
  const warnings = tensors.flatMap(({ name, dtype }, i) =>
    sources[i] ? [] : [`“${name}” was left out: its elements (${dtype}) cannot be written.`],
  );
  const written = sources.filter((source) => source !== undefined);
  if (written.length === 0) throw new MalformedFile("it holds no tensors that can be written");
  return { written, warnings };
}

const GRAPH_LOST = "The graph was left out: this format holds weights alone.";
const lostGraph = ({ graph }: ModelFile): string[] => (graph ? [GRAPH_LOST] : []);

/** The tensors of any file as safetensors. */
export function toSafetensors(model: ModelFile, precision?: Precision): Converted {
  const { written, warnings } = plainTensors(model, precision);
  const { "pickle.imports": _, ...metadata } = model.metadata;
  return { ...writeSafetensors(written, metadata), warnings: [...lostGraph(model), ...warnings] };
}

/** The tensors of any file as the reference's JSON, float32 whatever they were. */
export async function toStateDict(model: ModelFile): Promise<Converted> {
  const { written, warnings } = plainTensors(model);
  const numbers = written.filter(({ dtype }) => isNumberType(dtype));
  const wide = numbers.map(({ name, shape, dtype, read }): TensorSource => ({
    ...{ name, shape, dtype: "F32" },
    read: () => recoded(read(), dtype as NumberType, "F32"),
  }));
  const narrowed = numbers.some(({ dtype }) => dtype !== "F32" && dtype !== "F16" && dtype !== "BF16");
  const note = narrowed ? ["Numbers were written as float32, which may not hold all of them exactly."] : [];
  return {
    ...(await writeStateDict(wide, model.metadata)),
    warnings: [...lostGraph(model), ...warnings, ...note],
  };
}

/** Whether a tensor's rows are whole blocks of floats. */
const isBlocky = ({ dtype, shape }: TensorSource): boolean =>
  isFloatType(dtype) && shape.length >= 2 && shape.at(-1)! % BLOCK_ELEMENTS === 0 && elementsOf(shape) > 0;

function blocked({ name, shape, dtype, read }: TensorSource, type: BlockTypeName): GgufTensor {
  const wide = () => recoded(read(), dtype as NumberType, "F32");
  const encode = (bytes: Uint8Array): Uint8Array => {
    const values = floats(bytes);
    if (!values.every(Number.isFinite)) throw new MalformedFile(`“${name}” holds what is no number`);
    return toBlocks(type, values);
  };
  return { name, shape, type, read: () => inWhole(wide(), BLOCK_ELEMENTS * ELEMENT_BYTES.F32, encode) };
}

/** GGUF holds no unsigned numbers, flags or complex ones. */
const isGgufType = (dtype: string): boolean => ggmlTypeNamed(dtype) !== undefined;

const FILE_TYPES: Record<BlockTypeName | Precision, number> = {
  ...{ F32: 0, F16: 1, Q4_0: 2, Q4_1: 3, Q8_0: 7, Q5_0: 8, Q5_1: 9 },
};

/** The tensors of any file as GGUF; with a block type, those whose rows are whole blocks take that, others stay. */
export function toGguf(model: ModelFile, name: string, type?: BlockTypeName | Precision): Converted {
  const precision = type !== undefined && isBlockType(type) ? undefined : type;
  const { written, warnings } = plainTensors(model, precision);
  const fit = written.filter(({ dtype }) => isGgufType(dtype));
  const left = written.filter(({ dtype }) => !isGgufType(dtype));
  const kept: string[] = [];
  const tensors = fit.map((source): GgufTensor => {
    if (type !== undefined && isBlockType(type)) {
      if (isBlocky(source)) return blocked(source, type);
      if (isFloatType(source.dtype)) kept.push(source.name);
    }
    return { name: source.name, shape: source.shape, type: source.dtype, read: source.read };
  });
  const metadata = {
    ...{ "general.architecture": "myelin", "general.name": name, "general.quantization_version": 2 },
    ...(type && { "general.file_type": FILE_TYPES[type] }),
  };
  const notes = [
    ...left.map((source) => `“${source.name}” was left out: GGUF has no ${source.dtype}.`),
    ...(kept.length > 0
      ? [`${kept.length} tensors stay as they are: their rows are no whole blocks of 32.`]
      : []),
  ];
  return { ...writeGguf(tensors, metadata), warnings: [...lostGraph(model), ...warnings, ...notes] };
}
