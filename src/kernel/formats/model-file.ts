import type { ByteSource } from "./byte-source.ts";

/** How model files are told apart, by what is in them. */
export const MODEL_FORMATS = [
  "onnx",
  "safetensors",
  "pytorch",
  "pickle",
  "npz",
  "npy",
  "state-dict",
  "gguf",
  "unknown",
] as const;
export type ModelFormat = (typeof MODEL_FORMATS)[number];

/** Element types by the names safetensors gives them; blocks by those of GGML, as `BLOCKS` has them. */
export const ELEMENT_BYTES = {
  ...{ F64: 8, F32: 4, F16: 2, BF16: 2, F8_E5M2: 1, F8_E4M3: 1, F8_E8M0: 1, C64: 8, C128: 16 },
  ...{ I64: 8, I32: 4, I16: 2, I8: 1, U64: 8, U32: 4, U16: 2, U8: 1, BOOL: 1 },
} as const;
export type ElementType = keyof typeof ELEMENT_BYTES;

export const isElementType = (name: string): name is ElementType => Object.hasOwn(ELEMENT_BYTES, name);

/** One tensor of a file: what it is, and where its bytes lie, in C order and little-endian. */
export interface TensorInfo {
  name: string;
  /** An `ElementType` where its elements can be read; else whatever the format calls it. */
  dtype: string;
  shape: number[];
  /** What it takes in the file, uncompressed. */
  bytes: number;
  /** Its bytes; refused with `MalformedFile` where the file holds something else than it said. */
  read(): ReadableStream<Uint8Array>;
}

/** What stands at a graph's edge. A dimension is a size, a name for one, or unknown. */
export interface GraphValue {
  name: string;
  dtype: string;
  shape: (number | string | null)[] | null;
}

/** The program part of a file that has one. */
export interface ModelGraph {
  irVersion: number;
  producer: string;
  /** Operator-set versions by domain; `""` is ONNX's own. */
  opsets: Record<string, number>;
  /** How often each operator occurs, subgraphs included. */
  operators: Record<string, number>;
  inputs: GraphValue[];
  outputs: GraphValue[];
}

/** A model file, of which only the header has been read. Tensors are in the file's order. */
export interface ModelFile {
  format: ModelFormat;
  tensors: TensorInfo[];
  metadata: Record<string, string>;
  graph: ModelGraph | null;
}

export type ReadModel = (source: ByteSource) => Promise<ModelFile>;

/** How many elements a tensor of this shape has. */
export const elementsOf = (shape: readonly number[]): number => shape.reduce((all, size) => all * size, 1);

/** A file still to be written: its exact size is known before its first byte. */
export interface Writing {
  size: number;
  body: ReadableStream<Uint8Array>;
}

/** What is put into a file. */
export interface TensorSource {
  name: string;
  dtype: ElementType;
  shape: readonly number[];
  read(): ReadableStream<Uint8Array>;
}
