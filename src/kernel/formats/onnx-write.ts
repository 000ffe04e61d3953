import { MalformedFile } from "./byte-source.ts";
import { elementsOf, ELEMENT_BYTES, type ElementType, type TensorInfo, type Writing } from "./model-file.ts";
import {
  GRAPH,
  MODEL,
  NODE,
  type OnnxDocument,
  type OnnxNode,
  onnxTypeNumber,
  TENSOR,
} from "./onnx-document.ts";
import { bytesField, concat, intField, messageField, stringField, tag, varint } from "./protobuf-encode.ts";
import { joined, single } from "./streams.ts";

/** Bytes of known number that come when they are asked for. */
interface Part {
  size: number;
  read(): ReadableStream<Uint8Array>;
}

const held = (...fields: Uint8Array[]): Part => {
  const bytes = concat(fields);
  return { size: bytes.length, read: () => single(bytes) };
};

const sizeOf = (parts: Part[]): number => parts.reduce((sum, { size }) => sum + size, 0);

/** A field that holds a message made of parts. */
const around = (number: number, parts: Part[]): Part[] => [
  held(tag(number, 2), Uint8Array.from(varint(sizeOf(parts)))),
  ...parts,
];

export const encodeNode = ({ opType, domain, name, inputs, outputs, attributes }: OnnxNode): Uint8Array =>
  messageField(GRAPH.node, [
    ...inputs.map((input) => stringField(NODE.input, input)),
    ...outputs.map((output) => stringField(NODE.output, output)),
    ...(name ? [stringField(NODE.name, name)] : []),
    stringField(NODE.opType, opType),
    ...attributes.map(({ bytes }) => bytesField(NODE.attribute, bytes)),
    ...(domain ? [stringField(NODE.domain, domain)] : []),
  ]);

function tensorParts({ name, dtype, shape, read }: TensorInfo): Part[] {
  const type = onnxTypeNumber(dtype);
  if (type === undefined || !Object.hasOwn(ELEMENT_BYTES, dtype))
    throw new MalformedFile(`“${name}” is of ${dtype}, which is not written`);
  const size = elementsOf(shape) * ELEMENT_BYTES[dtype as ElementType];
  const about = [
    ...shape.map((dim) => intField(TENSOR.dim, dim)),
    intField(TENSOR.type, type),
    stringField(TENSOR.name, name),
  ];
  return around(GRAPH.initializer, [held(...about), ...around(TENSOR.raw, [{ size, read }])]);
}

const pair = (number: number, key: string, value: Uint8Array): Uint8Array =>
  messageField(number, [stringField(1, key), value]);

/** Writes a document; weights are streamed from where they lie. */
export function writeOnnx(document: OnnxDocument): Writing {
  const { nodes, inputs, outputs, rest, initializers } = document;
  const graph = [
    held(
      ...nodes.map(encodeNode),
      stringField(GRAPH.name, document.graphName || "graph"),
      ...inputs.map(({ bytes }) => bytesField(GRAPH.input, bytes)),
      ...outputs.map(({ bytes }) => bytesField(GRAPH.output, bytes)),
      ...rest.graph,
    ),
    ...initializers.flatMap(tensorParts),
  ];
  const parts = [
    held(intField(MODEL.irVersion, document.irVersion), ...rest.model),
    ...around(MODEL.graph, graph),
    held(
      ...[...document.opsets].map(([domain, version]) => pair(MODEL.opset, domain, intField(2, version))),
      ...[...document.metadata].map(([key, value]) => pair(MODEL.property, key, stringField(2, value))),
    ),
  ];
  return { size: sizeOf(parts), body: joined(parts.map(({ read }) => read)) };
}
