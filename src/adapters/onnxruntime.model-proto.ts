/** What an ONNX file says besides its weights: its metadata and which operators it is made of. */
export interface ModelProto {
  metadata: Map<string, string>;
  /** Operator types, subgraphs and functions included, with how often they occur. */
  operators: Map<string, number>;
}

/** The bytes are not the model they claim to be; the message is for the one who sent them. */
export class MalformedModel extends Error {}

/** One field of a message. */
export interface Field {
  number: number;
  /** Where its key begins; `end` is where the next field does. */
  keyStart: number;
  /** Of a varint field; length-delimited ones have `start` and `end` instead. */
  value: number;
  start: number;
  end: number;
}

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

const MAX_DEPTH = 16;
const MAX_NODES = 200_000;
const MAX_TEXT_BYTES = 4_000_000;

/** Steps through the fields of one protobuf message; each step moves forward, so it always ends. */
export class Fields {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  next(): Field | undefined {
    if (this.#at >= this.#end) return undefined;
    const keyStart = this.#at;
    const key = this.#varint();
    const number = Math.floor(key / 8);
    if (number < 1 || number > 0x1fffffff) throw new MalformedModel("a field number is out of range");
    const start = this.#at;
    switch (key % 8) {
      case VARINT:
        return { number, keyStart, value: this.#varint(), start, end: this.#at };
      case DELIMITED:
        return this.#delimited(number, keyStart);
      case FIXED64:
        return { number, keyStart, value: Number.NaN, start, end: this.#skip(8) };
      case FIXED32:
        return { number, keyStart, value: Number.NaN, start, end: this.#skip(4) };
      default:
        throw new MalformedModel(`a field has the unknown wire type ${key % 8}`);
    }
  }

  #delimited(number: number, keyStart: number): Field {
    const length = this.#varint();
    const start = this.#at;
    return { number, keyStart, value: Number.NaN, start, end: this.#skip(length) };
  }

  #skip(length: number): number {
    if (length > this.#end - this.#at)
      throw new MalformedModel("a field reaches beyond the end of its message");
    this.#at += length;
    return this.#at;
  }

  /** Exact below 2^53; only lengths and keys matter here, and larger ones are refused as out of bounds. */
  #varint(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 10; i++) {
      if (this.#at >= this.#end) throw new MalformedModel("the file ends in the middle of a number");
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    throw new MalformedModel("a number has more than ten bytes");
  }
}

/** Reads with the field numbers of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). */
class Reader {
  readonly model: ModelProto = { metadata: new Map(), operators: new Map() };
  readonly #bytes: Uint8Array;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #nodes = 0;
  #textBytes = 0;
  #hasGraph = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  read(): ModelProto {
    this.#each(0, this.#bytes.length, (field) => {
      if (field.number === 7) this.#readGraph(field, 0);
      else if (field.number === 14) this.#readProperty(field);
      else if (field.number === 25) this.#readNodes(field, 7, 0);
    });
    if (!this.#hasGraph) throw new MalformedModel("it holds no graph");
    return this.model;
  }

  #each(start: number, end: number, use: (field: Field) => void): void {
    const fields = new Fields(this.#bytes, start, end);
    for (let field = fields.next(); field; field = fields.next()) use(field);
  }

  #readGraph(graph: Field, depth: number): void {
    this.#hasGraph = true;
    this.#readNodes(graph, 1, depth);
  }

  #readNodes(parent: Field, nodeField: number, depth: number): void {
    if (depth > MAX_DEPTH) throw new MalformedModel(`its graphs are nested deeper than ${MAX_DEPTH}`);
    this.#each(parent.start, parent.end, (field) => {
      if (field.number === nodeField) this.#readNode(field, depth);
    });
  }

  #readNode(node: Field, depth: number): void {
    if (++this.#nodes > MAX_NODES) throw new MalformedModel(`it has more than ${MAX_NODES} operators`);
    this.#each(node.start, node.end, (field) => {
      if (field.number === 5) this.#readAttribute(field, depth);
      if (field.number !== 4) return;
      const operator = this.#text(field);
      this.model.operators.set(operator, (this.model.operators.get(operator) ?? 0) + 1);
    });
  }

  #readAttribute(attribute: Field, depth: number): void {
    this.#each(attribute.start, attribute.end, (field) => {
      if (field.number === 6 || field.number === 11) this.#readGraph(field, depth + 1);
    });
  }

  #readProperty(property: Field): void {
    let [key, value] = ["", ""];
    this.#each(property.start, property.end, (field) => {
      if (field.number === 1) key = this.#text(field);
      if (field.number === 2) value = this.#text(field);
    });
    this.model.metadata.set(key, value);
  }

  #text({ start, end }: Field): string {
    this.#textBytes += end - start;
    if (this.#textBytes > MAX_TEXT_BYTES) throw new MalformedModel("its metadata is too large");
    try {
      return this.#decoder.decode(this.#bytes.subarray(start, end));
    } catch (cause) {
      throw new MalformedModel("a text in it is not UTF-8", { cause });
    }
  }
}

/** Reads metadata and operators of an ONNX file; throws `MalformedModel` for anything that is not one. */
export const readModelProto = (bytes: Uint8Array): ModelProto => new Reader(bytes).read();
