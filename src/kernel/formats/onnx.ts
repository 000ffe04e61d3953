import { type ByteSource, MalformedFile } from "./byte-source.ts";
import type { GraphValue, ModelFile } from "./model-file.ts";
import {
  fieldsOf,
  GRAPH,
  MODEL,
  NODE,
  type OnnxDocument,
  type OnnxEdge,
  onnxTypeOf,
  readOnnxDocument,
  textOf,
} from "./onnx-document.ts";
import type { Field } from "./protobuf.ts";

const PRODUCER = 2;
const PRODUCER_VERSION = 3;
const FUNCTION = 25;
const FUNCTION_NODE = 7;
const SUBGRAPHS = [6, 11];

const MAX_NODES = 500_000;
const MAX_DEPTH = 16;

function dimensionOf(bytes: Uint8Array, dimension: Field): number | string | null {
  for (const field of fieldsOf(bytes, dimension.start, dimension.end)) {
    if (field.number === 1) return field.value;
    if (field.number === 2) return textOf(bytes, field);
  }
  return null;
}

function tensorTypeOf(bytes: Uint8Array, type: Field): Omit<GraphValue, "name"> {
  const found: Omit<GraphValue, "name"> = { dtype: "unknown", shape: null };
  for (const field of fieldsOf(bytes, type.start, type.end)) {
    if (field.number === 1) found.dtype = onnxTypeOf(field.value);
    if (field.number !== 2) continue;
    found.shape = [];
    for (const dimension of fieldsOf(bytes, field.start, field.end))
      if (dimension.number === 1) found.shape.push(dimensionOf(bytes, dimension));
  }
  return found;
}

/** What is no tensor by the field of `TypeProto` that says so. */
const OTHER_TYPES: Record<number, string> = {
  4: "sequence",
  5: "map",
  7: "opaque",
  8: "sparse",
  9: "optional",
};

/** What an edge of the graph takes or gives. */
export function graphValueOf({ name, bytes }: OnnxEdge): GraphValue {
  const value: GraphValue = { name, dtype: "unknown", shape: null };
  for (const field of fieldsOf(bytes)) {
    if (field.number !== 2) continue;
    for (const type of fieldsOf(bytes, field.start, field.end)) {
      if (type.number === 1) Object.assign(value, tensorTypeOf(bytes, type));
      else value.dtype = OTHER_TYPES[type.number] ?? value.dtype;
    }
  }
  return value;
}

/** Counts operators, those of subgraphs and functions included. */
class Census {
  readonly operators = new Map<string, number>();
  #nodes = 0;

  count(opType: string): void {
    if (++this.#nodes > MAX_NODES) throw new MalformedFile(`it has more than ${MAX_NODES} operators`);
    this.operators.set(opType, (this.operators.get(opType) ?? 0) + 1);
  }

  /** The graphs in an attribute, from its message. */
  attribute(bytes: Uint8Array, depth: number, start = 0, end = bytes.length): void {
    for (const field of fieldsOf(bytes, start, end))
      if (SUBGRAPHS.includes(field.number)) this.nodes(bytes, GRAPH.node, depth + 1, field);
  }

  nodes(
    bytes: Uint8Array,
    nodeField: number,
    depth: number,
    { start, end }: Pick<Field, "start" | "end">,
  ): void {
    if (depth > MAX_DEPTH) throw new MalformedFile(`its graphs are nested deeper than ${MAX_DEPTH}`);
    for (const node of fieldsOf(bytes, start, end)) {
      if (node.number !== nodeField) continue;
      for (const field of fieldsOf(bytes, node.start, node.end)) {
        if (field.number === NODE.opType) this.count(textOf(bytes, field));
        else if (field.number === NODE.attribute) this.attribute(bytes, depth, field.start, field.end);
      }
    }
  }
}

function operatorsOf({ nodes, rest }: OnnxDocument): Record<string, number> {
  const census = new Census();
  for (const { opType, attributes } of nodes) {
    census.count(opType);
    for (const { bytes } of attributes) census.attribute(bytes, 0);
  }
  for (const bytes of rest.model)
    for (const field of fieldsOf(bytes))
      if (field.number === FUNCTION) census.nodes(bytes, FUNCTION_NODE, 0, field);
  return Object.fromEntries(census.operators);
}

function producerOf({ rest }: OnnxDocument): string {
  const texts = new Map<number, string>();
  for (const bytes of rest.model)
    for (const field of fieldsOf(bytes))
      if (field.number === PRODUCER || field.number === PRODUCER_VERSION)
        texts.set(field.number, textOf(bytes, field));
  return [PRODUCER, PRODUCER_VERSION]
    .map((number) => texts.get(number))
    .filter(Boolean)
    .join(" ");
}

/** Whether a file that begins so may be one: protobuf's first field is the IR version. */
export const looksLikeOnnx = (head: Uint8Array): boolean =>
  head.length > 2 && head[0] === MODEL.irVersion * 8 && head[1]! > 0 && head[1]! < 0x80;

/** What a document holds, without its means to be changed. */
export function summaryOf(document: OnnxDocument): ModelFile {
  const { initializers, metadata, irVersion, opsets, inputs, outputs } = document;
  const given = new Set(initializers.map(({ name }) => name));
  return {
    format: "onnx",
    tensors: initializers,
    metadata: Object.fromEntries(metadata),
    graph: {
      ...{ irVersion, producer: producerOf(document), opsets: Object.fromEntries(opsets) },
      operators: operatorsOf(document),
      // Before IR version 4 weights had to be listed among the inputs.
      inputs: inputs.filter(({ name }) => !given.has(name)).map(graphValueOf),
      outputs: outputs.map(graphValueOf),
    },
  };
}

/** Reads graph and names; weights are stepped over, and read when asked for. */
export const readOnnx = async (source: ByteSource): Promise<ModelFile> =>
  summaryOf(await readOnnxDocument(source));
