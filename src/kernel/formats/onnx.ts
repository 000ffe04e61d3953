import { type ByteSource, Cursor, MalformedFile } from "./byte-source.ts";
import {
  ELEMENT_BYTES,
  type ElementType,
  elementsOf,
  type GraphValue,
  type ModelFile,
  type ModelGraph,
  type TensorInfo,
} from "./model-file.ts";
import { type Field, Fields } from "./protobuf.ts";
import { opened, single } from "./streams.ts";
import { plainBytes, TENSOR_DATA } from "./onnx-tensor-data.ts";

/** The format: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
const MODEL = {
  irVersion: 1,
  producer: 2,
  producerVersion: 3,
  graph: 7,
  opset: 8,
  property: 14,
  function: 25,
};
const GRAPH = { node: 1, initializer: 5, input: 11, output: 12 };
const TENSOR = { dim: 1, type: 2, name: 8, raw: 9, location: 14 };
const FUNCTION_NODE = 7;

/** Everything but weights is read into memory, a message at a time. */
const MAX_MESSAGE_BYTES = 32_000_000;
const MAX_TENSORS = 100_000;
const MAX_NODES = 500_000;
const MAX_DEPTH = 16;

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

export const onnxTypeOf = (number: number): string => TYPES[number] ?? `type ${number}`;

const VARINT = 0;
const DELIMITED = 2;
const SKIPPED: Record<number, number> = { 1: 8, 5: 4 };

/** A field of a message that lies in a file: a number, or where its bytes are. */
interface Placed {
  number: number;
  value: number;
  start: number;
  end: number;
}

async function varint(cursor: Cursor): Promise<number> {
  let value = 0;
  let factor = 1;
  for (let i = 0; i < 10; i++) {
    const byte = await cursor.uint8();
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
    factor *= 128;
  }
  throw new MalformedFile("a number has more than ten bytes");
}

/** The fields of the message from `start` to `end`, none of which is read before it is asked for. */
async function* fieldsIn(source: ByteSource, start: number, end: number): AsyncGenerator<Placed> {
  const cursor = new Cursor(source, start);
  while (cursor.position < end) {
    const key = await varint(cursor);
    const number = Math.floor(key / 8);
    if (number < 1 || number > 0x1fffffff) throw new MalformedFile("a field number is out of range");
    const wire = key % 8;
    const value = wire === VARINT ? await varint(cursor) : NaN;
    const length = wire === DELIMITED ? await varint(cursor) : (SKIPPED[wire] ?? 0);
    if (wire !== VARINT && wire !== DELIMITED && length === 0)
      throw new MalformedFile(`a field has the unknown wire type ${wire}`);
    const from = cursor.position;
    if (length > end - from) throw new MalformedFile("a field reaches beyond the end of its message");
    cursor.skip(length);
    yield { number, value, start: from, end: from + length };
  }
}

async function message(source: ByteSource, { start, end }: Placed): Promise<Uint8Array> {
  if (end - start > MAX_MESSAGE_BYTES)
    throw new MalformedFile(`a part of it is larger than ${MAX_MESSAGE_BYTES} bytes`);
  return source.read(start, end - start);
}

const decoder = new TextDecoder();
const textOf = (bytes: Uint8Array, { start, end }: Field): string =>
  decoder.decode(bytes.subarray(start, end));

function* fieldsOf(bytes: Uint8Array, start = 0, end = bytes.length): Generator<Field> {
  const fields = new Fields(bytes, start, end);
  for (let field = fields.next(); field; field = fields.next()) yield field;
}

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

function valueOf(bytes: Uint8Array): GraphValue {
  const value: GraphValue = { name: "", dtype: "unknown", shape: null };
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) value.name = textOf(bytes, field);
    if (field.number !== 2) continue;
    for (const type of fieldsOf(bytes, field.start, field.end)) {
      if (type.number === 1) Object.assign(value, tensorTypeOf(bytes, type));
      else if (OTHER_TYPES[type.number]) value.dtype = OTHER_TYPES[type.number]!;
    }
  }
  return value;
}

/** Reads one model. */
class Reader {
  readonly tensors: TensorInfo[] = [];
  readonly metadata: Record<string, string> = {};
  readonly #inputs: GraphValue[] = [];
  readonly #outputs: GraphValue[] = [];
  readonly #operators = new Map<string, number>();
  readonly #opsets: Record<string, number> = {};
  readonly #source: ByteSource;
  #about = { irVersion: 0, producer: "", version: "" };
  #nodes = 0;
  #hasGraph = false;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async read(): Promise<ModelFile> {
    for await (const field of fieldsIn(this.#source, 0, this.#source.size)) await this.#take(field);
    if (!this.#hasGraph) throw new MalformedFile("it holds no graph");
    return { format: "onnx", tensors: this.tensors, metadata: this.metadata, graph: this.#graph() };
  }

  #graph(): ModelGraph {
    const { irVersion, producer, version } = this.#about;
    const given = new Set(this.tensors.map(({ name }) => name));
    return {
      irVersion,
      producer: [producer, version].filter(Boolean).join(" "),
      opsets: this.#opsets,
      operators: Object.fromEntries(this.#operators),
      // Before IR version 4 weights had to be listed among the inputs.
      inputs: this.#inputs.filter(({ name }) => !given.has(name)),
      outputs: this.#outputs,
    };
  }

  async #take(field: Placed): Promise<void> {
    if (field.number === MODEL.irVersion) this.#about.irVersion = field.value;
    else if (field.number === MODEL.graph) await this.#takeGraph(field);
    else if (field.number === MODEL.function)
      this.#takeNodes(await message(this.#source, field), FUNCTION_NODE);
    else if (field.number === MODEL.opset) this.#takeOpset(await message(this.#source, field));
    else if (field.number === MODEL.property) this.#takeProperty(await message(this.#source, field));
    else if (field.number === MODEL.producer || field.number === MODEL.producerVersion) {
      const text = decoder.decode(await message(this.#source, field));
      this.#about[field.number === MODEL.producer ? "producer" : "version"] = text;
    }
  }

  async #takeGraph(graph: Placed): Promise<void> {
    this.#hasGraph = true;
    for await (const field of fieldsIn(this.#source, graph.start, graph.end)) {
      if (field.number === GRAPH.initializer) await this.#takeTensor(field);
      else if (field.number === GRAPH.node) this.#takeNode(await message(this.#source, field), 0);
      else if (field.number === GRAPH.input) this.#inputs.push(valueOf(await message(this.#source, field)));
      else if (field.number === GRAPH.output) this.#outputs.push(valueOf(await message(this.#source, field)));
    }
  }

  async #takeTensor(tensor: Placed): Promise<void> {
    if (this.tensors.length >= MAX_TENSORS)
      throw new MalformedFile(`it holds more than ${MAX_TENSORS} tensors`);
    const shape: number[] = [];
    let [name, type, isElsewhere] = ["", 0, false];
    let raw: Placed | undefined;
    for await (const field of fieldsIn(this.#source, tensor.start, tensor.end)) {
      if (field.number === TENSOR.dim) shape.push(...(await this.#dims(field)));
      else if (field.number === TENSOR.type) type = field.value;
      else if (field.number === TENSOR.name) name = decoder.decode(await message(this.#source, field));
      else if (field.number === TENSOR.raw) raw = field;
      else if (field.number === TENSOR.location) isElsewhere = field.value === 1;
    }
    const dtype = onnxTypeOf(type);
    if (!Number.isSafeInteger(elementsOf(shape)))
      throw new MalformedFile(`“${name}” is out of all proportion`);
    const place = isElsewhere ? undefined : (raw ?? tensor);
    const bytes = raw ? raw.end - raw.start : elementsOf(shape) * (ELEMENT_BYTES[dtype as ElementType] ?? 0);
    const isRight =
      !raw ||
      !Object.hasOwn(ELEMENT_BYTES, dtype) ||
      bytes === elementsOf(shape) * ELEMENT_BYTES[dtype as ElementType];
    if (!isRight)
      throw new MalformedFile(`“${name}” has ${bytes} bytes, which are not ${dtype} [${shape.join(", ")}]`);
    const read = () => this.#data(name, dtype, place, raw !== undefined);
    this.tensors.push({ name, dtype, shape, bytes, read });
  }

  /** Packed into one field, or one field each. */
  async #dims(field: Placed): Promise<number[]> {
    if (!Number.isNaN(field.value)) return [field.value];
    const dims: number[] = [];
    const cursor = new Cursor(this.#source, field.start);
    while (cursor.position < field.end) dims.push(await varint(cursor));
    return dims;
  }

  #data(name: string, dtype: string, place: Placed | undefined, isRaw: boolean): ReadableStream<Uint8Array> {
    if (place && isRaw) return this.#source.stream(place.start, place.end - place.start);
    return opened(async () => {
      if (!place) throw new MalformedFile(`“${name}” lies in another file, which was not uploaded with it`);
      const bytes = await message(this.#source, place);
      if (!Object.hasOwn(TENSOR_DATA, dtype))
        throw new MalformedFile(`“${name}” is of ${dtype}, which is not read`);
      return single(plainBytes(bytes, dtype as keyof typeof TENSOR_DATA));
    });
  }

  #takeOpset(bytes: Uint8Array): void {
    let [domain, version] = ["", 0];
    for (const field of fieldsOf(bytes)) {
      if (field.number === 1) domain = textOf(bytes, field);
      if (field.number === 2) version = field.value;
    }
    define(this.#opsets, domain, version);
  }

  #takeProperty(bytes: Uint8Array): void {
    let [key, value] = ["", ""];
    for (const field of fieldsOf(bytes)) {
      if (field.number === 1) key = textOf(bytes, field);
      if (field.number === 2) value = textOf(bytes, field);
    }
    define(this.metadata, key, value);
  }

  #takeNodes(bytes: Uint8Array, nodeField: number, depth = 0, within?: Field): void {
    if (depth > MAX_DEPTH) throw new MalformedFile(`its graphs are nested deeper than ${MAX_DEPTH}`);
    for (const field of fieldsOf(bytes, within?.start, within?.end))
      if (field.number === nodeField) this.#takeNode(bytes, depth, field);
  }

  #takeNode(bytes: Uint8Array, depth: number, within?: Field): void {
    if (++this.#nodes > MAX_NODES) throw new MalformedFile(`it has more than ${MAX_NODES} operators`);
    for (const field of fieldsOf(bytes, within?.start, within?.end)) {
      if (field.number === 4) {
        const operator = textOf(bytes, field);
        this.#operators.set(operator, (this.#operators.get(operator) ?? 0) + 1);
      } else if (field.number === 5) {
        for (const graph of fieldsOf(bytes, field.start, field.end))
          if (graph.number === 6 || graph.number === 11) this.#takeNodes(bytes, GRAPH.node, depth + 1, graph);
      }
    }
  }
}

/** Sets a key whatever it is called. */
const define = <T>(target: Record<string, T>, key: string, value: T): void =>
  void Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });

/** Whether a file that begins so may be one: protobuf's first field is the IR version, or another of a model's. */
export const looksLikeOnnx = (head: Uint8Array): boolean =>
  head.length > 2 && head[0] === MODEL.irVersion * 8 && head[1]! > 0 && head[1]! < 0x80;

/** Reads graph and names; weights are stepped over, and read when asked for. */
export const readOnnx = (source: ByteSource): Promise<ModelFile> => new Reader(source).read();
