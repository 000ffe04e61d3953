import { type ByteSource, Cursor, MalformedFile } from "./byte-source.ts";
import { type GgmlType, ggmlTypeNamed, ggmlTypeOf } from "./ggml-layouts.ts";
import { elementsOf, type ModelFile, type TensorInfo, type Writing } from "./model-file.ts";
import { joined, single } from "./streams.ts";

/** The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian. */
const MAGIC = 0x46554747;
const VERSION = 3;
const DEFAULT_ALIGNMENT = 32;
const ALIGNMENT_KEY = "general.alignment";

const MAX_TENSORS = 100_000;
const MAX_KEYS = 100_000;
const MAX_TEXT_BYTES = 1_000_000;
/** Lists beyond this (a tokenizer's words) are told by their length. */
const MAX_SHOWN_ITEMS = 16;
const MAX_LIST_ITEMS = 10_000_000;
const MAX_DEPTH = 4;

const TEXT = 8;
const LIST = 9;
/** Bytes of the value types that have a fixed size, by number. */
const FIXED: Record<number, number> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };

const READ_FIXED: Record<number, (view: DataView) => number | bigint | boolean> = {
  0: (view) => view.getUint8(0),
  1: (view) => view.getInt8(0),
  2: (view) => view.getUint16(0, true),
  3: (view) => view.getInt16(0, true),
  4: (view) => view.getUint32(0, true),
  5: (view) => view.getInt32(0, true),
  6: (view) => view.getFloat32(0, true),
  7: (view) => view.getUint8(0) !== 0,
  10: (view) => view.getBigUint64(0, true),
  11: (view) => view.getBigInt64(0, true),
  12: (view) => view.getFloat64(0, true),
};

export const looksLikeGguf = (head: Uint8Array): boolean =>
  head.length >= 4 && new DataView(head.buffer, head.byteOffset).getUint32(0, true) === MAGIC;

class Reader {
  readonly #cursor: Cursor;

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  async count(most: number, what: string): Promise<number> {
    const count = await this.#cursor.uint64();
    if (count > most) throw new MalformedFile(`it says to hold more than ${most} ${what}`);
    return count;
  }

  async text(): Promise<string> {
    const length = await this.count(MAX_TEXT_BYTES, "bytes in one text");
    return new TextDecoder().decode(await this.#cursor.bytes(length));
  }

  async value(type: number, depth = 0): Promise<string> {
    if (type === TEXT) return this.text();
    if (type === LIST) return this.#list(depth);
    const read = READ_FIXED[type];
    if (!read) throw new MalformedFile(`a value has the unknown type ${type}`);
    return String(read(await this.#cursor.view(FIXED[type]!)));
  }

  /** Few items as JSON, many by their number; those are stepped over. */
  async #list(depth: number): Promise<string> {
    if (depth >= MAX_DEPTH) throw new MalformedFile(`its lists are nested deeper than ${MAX_DEPTH}`);
    const type = await this.#cursor.uint32();
    const count = await this.count(MAX_LIST_ITEMS, "items in one list");
    const isShown = count <= MAX_SHOWN_ITEMS;
    const bytes = FIXED[type];
    if (!isShown && bytes !== undefined) this.#cursor.skip(count * bytes);
    else {
      const items: string[] = [];
      for (let i = 0; i < count; i++) {
        const item = await this.value(type, depth + 1);
        if (isShown) items.push(item);
      }
      if (isShown) return JSON.stringify(items);
    }
    return `[${count} items]`;
  }
}

async function readMetadata(reader: Reader, cursor: Cursor, count: number): Promise<Record<string, string>> {
  const metadata: Record<string, string> = {};
  for (let i = 0; i < count; i++) {
    const key = await reader.text();
    const value = await reader.value(await cursor.uint32());
    Object.defineProperty(metadata, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return metadata;
}

interface Placed {
  name: string;
  type: GgmlType;
  shape: number[];
  offset: number;
}

async function readPlaced(reader: Reader, cursor: Cursor): Promise<Placed> {
  const name = await reader.text();
  const rank = await cursor.uint32();
  if (rank > 8) throw new MalformedFile(`“${name}” has ${rank} dimensions`);
  const sizes: number[] = [];
  for (let i = 0; i < rank; i++) sizes.push(await cursor.uint64());
  const number = await cursor.uint32();
  const type = ggmlTypeOf(number);
  if (!type) throw new MalformedFile(`“${name}” has the unknown type ${number}`);
  // GGML counts dimensions from the fastest.
  return { name, type, shape: sizes.reverse(), offset: await cursor.uint64() };
}

const bytesOf = ({ blockElements, blockBytes }: GgmlType, shape: readonly number[]): number =>
  (elementsOf(shape) / blockElements) * blockBytes;

function locate({ name, type, shape, offset }: Placed, source: ByteSource, dataStart: number): TensorInfo {
  const bytes = bytesOf(type, shape);
  if ((shape.at(-1) ?? 1) % type.blockElements !== 0)
    throw new MalformedFile(`the rows of “${name}” are no whole blocks of ${type.name}`);
  if (dataStart + offset + bytes > source.size)
    throw new MalformedFile(`“${name}” lies beyond the end of the file`);
  return { name, dtype: type.name, shape, bytes, read: () => source.stream(dataStart + offset, bytes) };
}

const aligned = (position: number, alignment: number): number => Math.ceil(position / alignment) * alignment;

/** Reads the header alone; a list of many items, such as a vocabulary, is stepped through and told by its length. */
export async function readGguf(source: ByteSource): Promise<ModelFile> {
  const cursor = new Cursor(source);
  const reader = new Reader(cursor);
  if ((await cursor.uint32()) !== MAGIC) throw new MalformedFile("it does not begin as GGUF does");
  const version = await cursor.uint32();
  if (version !== 2 && version !== VERSION) throw new MalformedFile(`its version ${version} is not 2 or 3`);
  const tensorCount = await reader.count(MAX_TENSORS, "tensors");
  const keyCount = await reader.count(MAX_KEYS, "keys");
  const metadata = await readMetadata(reader, cursor, keyCount);
  const alignment = Number(metadata[ALIGNMENT_KEY] ?? DEFAULT_ALIGNMENT);
  if (!Number.isInteger(alignment) || alignment < 8 || alignment % 8 !== 0)
    throw new MalformedFile("its alignment is not a multiple of 8");
  const placed: Placed[] = [];
  for (let i = 0; i < tensorCount; i++) placed.push(await readPlaced(reader, cursor));
  const dataStart = aligned(cursor.position, alignment);
  const tensors = placed.map((one) => locate(one, source, dataStart));
  return { format: "gguf", tensors, metadata, graph: null };
}

/** A tensor to be written: its data is plain little-endian elements, or blocks of a type that has them. */
export interface GgufTensor {
  name: string;
  type: string;
  shape: readonly number[];
  read(): ReadableStream<Uint8Array>;
}

/** What is told of the model; whole numbers are written as uint32, others as float32. */
export type GgufMetadata = Record<string, string | number | boolean>;

class Bytes {
  readonly #parts: Uint8Array[] = [];
  size = 0;

  bytes(part: Uint8Array): void {
    this.#parts.push(part);
    this.size += part.length;
  }

  #fixed(bytes: number, set: (view: DataView) => void): void {
    const part = new Uint8Array(bytes);
    set(new DataView(part.buffer));
    this.bytes(part);
  }

  uint8 = (value: number) => this.#fixed(1, (view) => view.setUint8(0, value));
  uint32 = (value: number) => this.#fixed(4, (view) => view.setUint32(0, value, true));
  float32 = (value: number) => this.#fixed(4, (view) => view.setFloat32(0, value, true));
  uint64 = (value: number) => this.#fixed(8, (view) => view.setBigUint64(0, BigInt(value), true));

  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.uint64(bytes.length);
    this.bytes(bytes);
  }

  pair(key: string, value: string | number | boolean): void {
    this.text(key);
    if (typeof value === "string") {
      this.uint32(TEXT);
      this.text(value);
    } else if (typeof value === "boolean") {
      this.uint32(7);
      this.uint8(Number(value));
    } else {
      const isCount = Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
      this.uint32(isCount ? 4 : 6);
      if (isCount) this.uint32(value);
      else this.float32(value);
    }
  }

  pad(alignment: number): void {
    this.bytes(new Uint8Array(aligned(this.size, alignment) - this.size));
  }

  all(): Uint8Array {
    const all = new Uint8Array(this.size);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

const typeOf = (name: string): GgmlType => {
  const type = ggmlTypeNamed(name);
  if (!type) throw new MalformedFile(`GGUF has no type ${name}`);
  return type;
};

/** Writes a version 3 file. */
export function writeGguf(tensors: GgufTensor[], metadata: GgufMetadata): Writing {
  const head = new Bytes();
  head.uint32(MAGIC);
  head.uint32(VERSION);
  head.uint64(tensors.length);
  head.uint64(Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) head.pair(key, value);
  const parts: (() => ReadableStream<Uint8Array>)[] = [];
  let offset = 0;
  for (const { name, type: typeName, shape, read } of tensors) {
    const type = typeOf(typeName);
    const bytes = bytesOf(type, shape);
    head.text(name);
    head.uint32(shape.length);
    for (const size of shape.toReversed()) head.uint64(size);
    head.uint32(type.number);
    head.uint64(offset);
    const end = aligned(bytes, DEFAULT_ALIGNMENT);
    parts.push(read, () => single(new Uint8Array(end - bytes)));
    offset += end;
  }
  head.pad(DEFAULT_ALIGNMENT);
  const start = head.all();
  return { size: start.length + offset, body: joined([() => single(start), ...parts]) };
}
