import { type ByteSource, Cursor, MalformedFile } from "./byte-source.ts";
import { ELEMENT_BYTES, type ElementType, elementsOf, type TensorInfo } from "./model-file.ts";
import { plainBytes, TENSOR_DATA } from "./onnx-tensor-data.ts";
import { fieldsIn, type Placed, varintAt } from "./placed-fields.ts";
import { type Field, Fields } from "./protobuf.ts";
import { opened, single } from "./streams.ts";

/** The format: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
export const MODEL = { irVersion: 1, graph: 7, opset: 8, property: 14 };
export const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 };
export const TENSOR = { dim: 1, type: 2, name: 8, raw: 9, location: 14 };
export const NODE = { input: 1, output: 2, name: 3, opType: 4, attribute: 5, domain: 7 };

/** Everything but weights is read into memory, a message at a time, and this much in all. */
const MAX_MESSAGE_BYTES = 32_000_000;
const MAX_READ_BYTES = 48_000_000;
const MAX_TENSORS = 100_000;

/** Element types by their numbers in `TensorProto.DataType`. */
const TYPES: Record<number, string> = {
  ...{
    1: "F32",
    2: "U8",
    3: "I8",
    4: "U16",
    5: "I16",
    6: "I32",
    7: "I64",
    8: "STRING",
    9: "BOOL",
    10: "F16",
  },
  ...{ 11: "F64", 12: "U32", 13: "U64", 14: "C64", 15: "C128", 16: "BF16", 17: "F8_E4M3", 18: "F8_E4M3FNUZ" },
  ...{ 19: "F8_E5M2", 20: "F8_E5M2FNUZ", 21: "U4", 22: "I4", 23: "F4_E2M1" },
};
const NUMBERS = new Map(Object.entries(TYPES).map(([number, name]) => [name, Number(number)]));

export const onnxTypeOf = (number: number): string => TYPES[number] ?? `type ${number}`;
export const onnxTypeNumber = (dtype: string): number | undefined => NUMBERS.get(dtype);

/** An operator. Attributes stay as they are in the file: messages, by name. */
export interface OnnxNode {
  opType: string;
  domain: string;
  name: string;
  inputs: string[];
  outputs: string[];
  attributes: { name: string; bytes: Uint8Array }[];
}

/** An input or output of the graph: its name, and its message as it is in the file. */
export interface OnnxEdge {
  name: string;
  bytes: Uint8Array;
}

/** A model whose parts can be taken out, changed and put together again; weights stay where they are until read. */
export interface OnnxDocument {
  irVersion: number;
  opsets: Map<string, number>;
  metadata: Map<string, string>;
  graphName: string;
  nodes: OnnxNode[];
  initializers: TensorInfo[];
  inputs: OnnxEdge[];
  outputs: OnnxEdge[];
  /** All other fields of the model and of its graph, keys included, as they are in the file. */
  rest: { model: Uint8Array[]; graph: Uint8Array[] };
}

const decoder = new TextDecoder();

export const textOf = (bytes: Uint8Array, { start, end }: Field): string =>
  decoder.decode(bytes.subarray(start, end));

export function* fieldsOf(bytes: Uint8Array, start = 0, end = bytes.length): Generator<Field> {
  const fields = new Fields(bytes, start, end);
  for (let field = fields.next(); field; field = fields.next()) yield field;
}

function nodeOf(bytes: Uint8Array): OnnxNode {
  const node: OnnxNode = { opType: "", domain: "", name: "", inputs: [], outputs: [], attributes: [] };
  for (const field of fieldsOf(bytes)) {
    if (field.number === NODE.input) node.inputs.push(textOf(bytes, field));
    else if (field.number === NODE.output) node.outputs.push(textOf(bytes, field));
    else if (field.number === NODE.name) node.name = textOf(bytes, field);
    else if (field.number === NODE.opType) node.opType = textOf(bytes, field);
    else if (field.number === NODE.domain) node.domain = textOf(bytes, field);
    else if (field.number === NODE.attribute) node.attributes.push(attributeOf(bytes, field));
  }
  return node;
}

function attributeOf(bytes: Uint8Array, { start, end }: Field) {
  const name = [...fieldsOf(bytes, start, end)].find(({ number }) => number === 1);
  return { name: name ? textOf(bytes, name) : "", bytes: bytes.subarray(start, end) };
}

function edgeOf(bytes: Uint8Array): OnnxEdge {
  const name = [...fieldsOf(bytes)].find(({ number }) => number === 1);
  return { name: name ? textOf(bytes, name) : "", bytes };
}

function pairOf(bytes: Uint8Array): { key: string; text: string; number: number } {
  const pair = { key: "", text: "", number: 0 };
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) pair.key = textOf(bytes, field);
    else if (field.number === 2 && Number.isNaN(field.value)) pair.text = textOf(bytes, field);
    else if (field.number === 2) pair.number = field.value;
  }
  return pair;
}

class Reader {
  readonly document: OnnxDocument = {
    ...{ irVersion: 0, opsets: new Map(), metadata: new Map(), graphName: "" },
    ...{ nodes: [], initializers: [], inputs: [], outputs: [], rest: { model: [], graph: [] } },
  };
  readonly #source: ByteSource;
  #read = 0;
  #hasGraph = false;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async run(): Promise<OnnxDocument> {
    const { document } = this;
    for await (const field of fieldsIn(this.#source, 0, this.#source.size)) {
      if (field.number === MODEL.irVersion) document.irVersion = field.value;
      else if (field.number === MODEL.graph) await this.#takeGraph(field);
      else if (field.number === MODEL.opset) {
        const { key, number } = pairOf(await this.#bytes(field));
        document.opsets.set(key, number);
      } else if (field.number === MODEL.property) {
        const { key, text } = pairOf(await this.#bytes(field));
        document.metadata.set(key, text);
      } else document.rest.model.push(await this.#bytes({ ...field, start: field.keyStart }));
    }
    if (!this.#hasGraph) throw new MalformedFile("it holds no graph");
    return document;
  }

  /** A copy, since what is read may be a part of something larger. */
  async #bytes({ start, end }: Pick<Placed, "start" | "end">): Promise<Uint8Array> {
    this.#read += end - start;
    if (end - start > MAX_MESSAGE_BYTES || this.#read > MAX_READ_BYTES)
      throw new MalformedFile(`it has more than ${MAX_MESSAGE_BYTES} bytes besides its weights`);
    return (await this.#source.read(start, end - start)).slice();
  }

  async #takeGraph(graph: Placed): Promise<void> {
    if (this.#hasGraph) throw new MalformedFile("it holds two graphs");
    this.#hasGraph = true;
    const { nodes, inputs, outputs, rest } = this.document;
    for await (const field of fieldsIn(this.#source, graph.start, graph.end)) {
      if (field.number === GRAPH.initializer) await this.#takeTensor(field);
      else if (field.number === GRAPH.node) nodes.push(nodeOf(await this.#bytes(field)));
      else if (field.number === GRAPH.input) inputs.push(edgeOf(await this.#bytes(field)));
      else if (field.number === GRAPH.output) outputs.push(edgeOf(await this.#bytes(field)));
      else if (field.number === GRAPH.name)
        this.document.graphName = decoder.decode(await this.#bytes(field));
      else rest.graph.push(await this.#bytes({ ...field, start: field.keyStart }));
    }
  }

  async #takeTensor(tensor: Placed): Promise<void> {
    const { initializers } = this.document;
    if (initializers.length >= MAX_TENSORS)
      throw new MalformedFile(`it holds more than ${MAX_TENSORS} tensors`);
    const shape: number[] = [];
    let [name, type, isElsewhere] = ["", 0, false];
    let raw: Placed | undefined;
    for await (const field of fieldsIn(this.#source, tensor.start, tensor.end)) {
      if (field.number === TENSOR.dim) for (const size of await this.#dims(field)) shape.push(size);
      else if (field.number === TENSOR.type) type = field.value;
      else if (field.number === TENSOR.name) name = decoder.decode(await this.#bytes(field));
      else if (field.number === TENSOR.raw) raw = field;
      else if (field.number === TENSOR.location) isElsewhere = field.value === 1;
    }
    const dtype = onnxTypeOf(type);
    const expected = elementsOf(shape) * (ELEMENT_BYTES[dtype as ElementType] ?? NaN);
    if (!Number.isSafeInteger(elementsOf(shape)))
      throw new MalformedFile(`“${name}” is out of all proportion`);
    const bytes = raw ? raw.end - raw.start : expected || 0;
    if (raw && !Number.isNaN(expected) && bytes !== expected)
      throw new MalformedFile(`“${name}” has ${bytes} bytes, which are not ${dtype} [${shape.join(", ")}]`);
    const read = () => this.#data(name, dtype, isElsewhere ? undefined : (raw ?? tensor), raw !== undefined);
    initializers.push({ name, dtype, shape, bytes, read });
  }

  /** Packed into one field, or one field each. */
  async #dims(field: Placed): Promise<number[]> {
    if (!Number.isNaN(field.value)) return [field.value];
    const dims: number[] = [];
    const cursor = new Cursor(this.#source, field.start);
    while (cursor.position < field.end) dims.push(await varintAt(cursor));
    return dims;
  }

  #data(name: string, dtype: string, place: Placed | undefined, isRaw: boolean): ReadableStream<Uint8Array> {
    if (place && isRaw) return this.#source.stream(place.start, place.end - place.start);
    return opened(async () => {
      if (!place) throw new MalformedFile(`“${name}” lies in another file, which was not uploaded with it`);
      if (!Object.hasOwn(TENSOR_DATA, dtype))
        throw new MalformedFile(`“${name}” is of ${dtype}, which is not read`);
      const { start, end } = place;
      if (end - start > MAX_MESSAGE_BYTES)
        throw new MalformedFile(`“${name}” is too large for how it is written`);
      return single(
        plainBytes(await this.#source.read(start, end - start), dtype as keyof typeof TENSOR_DATA),
      );
    });
  }
}

/** Reads all but the weights. */
export const readOnnxDocument = (source: ByteSource): Promise<OnnxDocument> => new Reader(source).run();
