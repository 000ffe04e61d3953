import { MalformedFile } from "../kernel/formats/byte-source.ts";
import { type Field, Fields } from "../kernel/formats/protobuf.ts";

/** What an ONNX file says besides its weights: its metadata and which operators it is made of. */
export interface ModelProto {
  metadata: Map<string, string>;
  /** Operator types, subgraphs and functions included, with how often they occur. */
  operators: Map<string, number>;
}

const MAX_DEPTH = 16;
const MAX_NODES = 200_000;
const MAX_TEXT_BYTES = 4_000_000;

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
    if (!this.#hasGraph) throw new MalformedFile("it holds no graph");
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
    if (depth > MAX_DEPTH) throw new MalformedFile(`its graphs are nested deeper than ${MAX_DEPTH}`);
    this.#each(parent.start, parent.end, (field) => {
      if (field.number === nodeField) this.#readNode(field, depth);
    });
  }

  #readNode(node: Field, depth: number): void {
    if (++this.#nodes > MAX_NODES) throw new MalformedFile(`it has more than ${MAX_NODES} operators`);
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
    if (this.#textBytes > MAX_TEXT_BYTES) throw new MalformedFile("its metadata is too large");
    try {
      return this.#decoder.decode(this.#bytes.subarray(start, end));
    } catch (cause) {
      throw new MalformedFile("a text in it is not UTF-8", { cause });
    }
  }
}

/** Reads metadata and operators of an ONNX file; throws `MalformedFile` for anything that is not one. */
export const readModelProto = (bytes: Uint8Array): ModelProto => new Reader(bytes).read();
