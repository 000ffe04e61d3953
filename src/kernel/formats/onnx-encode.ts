import {
  bytesField,
  concat,
  intField,
  littleEndianFloats,
  messageField,
  stringField,
  type Field,
} from "./protobuf-encode.ts";

/**
 * The messages of onnx.proto that the exporter uses, with its field numbers
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
 */
export const ELEMENT_TYPE = { float: 1, int64: 7, string: 8 } as const;
const ATTRIBUTE_TYPE = { int: 2, strings: 8 } as const;

export type ElementType = keyof typeof ELEMENT_TYPE;

/** A symbolic size (its name) or a fixed one. */
export type Dimension = string | number;

/** The fields of a NodeProto, TensorProto or ValueInfoProto, ready to be put into a graph. */
export type Message = Field[];

export function node(
  opType: string,
  inputs: string[],
  outputs: string[],
  attributes: Message[] = [],
  domain = "",
): Message {
  return [
    ...inputs.map((name) => stringField(1, name)),
    ...outputs.map((name) => stringField(2, name)),
    stringField(3, outputs[0]!),
    stringField(4, opType),
    ...attributes.map((attribute) => messageField(5, attribute)),
    ...(domain ? [stringField(7, domain)] : []),
  ];
}

export function intAttribute(name: string, value: number): Message {
  return [stringField(1, name), intField(3, value), intField(20, ATTRIBUTE_TYPE.int)];
}

export function stringsAttribute(name: string, values: string[]): Message {
  return [
    stringField(1, name),
    ...values.map((value) => stringField(9, value)),
    intField(20, ATTRIBUTE_TYPE.strings),
  ];
}

export function floatTensor(name: string, dims: number[], values: ArrayLike<number>): Message {
  return tensor(name, dims, ELEMENT_TYPE.float, littleEndianFloats(values));
}

export function int64Tensor(name: string, values: number[]): Message {
  const bytes = new DataView(new ArrayBuffer(values.length * 8));
  values.forEach((value, at) => bytes.setBigInt64(at * 8, BigInt(value), true));
  return tensor(name, [values.length], ELEMENT_TYPE.int64, new Uint8Array(bytes.buffer));
}

function tensor(name: string, dims: number[], type: number, raw: Uint8Array): Message {
  return [
    ...dims.map((dim) => intField(1, dim)),
    intField(2, type),
    stringField(8, name),
    bytesField(9, raw),
  ];
}

export function valueInfo(name: string, type: ElementType, shape: Dimension[]): Message {
  const dims = shape.map((dim) =>
    messageField(1, [typeof dim === "string" ? stringField(2, dim) : intField(1, dim)]),
  );
  const tensorType = messageField(1, [intField(1, ELEMENT_TYPE[type]), messageField(2, dims)]);
  return [stringField(1, name), messageField(2, [tensorType])];
}

export interface Graph {
  name: string;
  nodes: Message[];
  initializers: Message[];
  inputs: Message[];
  outputs: Message[];
}

export interface OnnxModel {
  irVersion: number;
  producerName: string;
  /** Operator set versions by domain; "" is ai.onnx. */
  opsets: Record<string, number>;
  metadata: Record<string, string>;
  graph: Graph;
}

/** Encodes a ModelProto. */
export function encodeModel(model: OnnxModel): Uint8Array {
  return concat([
    intField(1, model.irVersion),
    stringField(2, model.producerName),
    messageField(7, graphFields(model.graph)),
    ...Object.entries(model.opsets).map(([domain, version]) =>
      messageField(8, [stringField(1, domain), intField(2, version)]),
    ),
    ...Object.entries(model.metadata).map(([key, value]) =>
      messageField(14, [stringField(1, key), stringField(2, value)]),
    ),
  ]);
}

function graphFields(graph: Graph): Field[] {
  return [
    ...graph.nodes.map((message) => messageField(1, message)),
    stringField(2, graph.name),
    ...graph.initializers.map((message) => messageField(5, message)),
    ...graph.inputs.map((message) => messageField(11, message)),
    ...graph.outputs.map((message) => messageField(12, message)),
  ];
}
