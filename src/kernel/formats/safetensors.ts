import { type ByteSource, demand, MalformedFile } from "./byte-source.ts";
import {
  ELEMENT_BYTES,
  elementsOf,
  isElementType,
  type ModelFile,
  type TensorInfo,
  type TensorSource,
  type Writing,
} from "./model-file.ts";
import { joined, single } from "./streams.ts";

/** The format: https://huggingface.co/docs/safetensors, the rules of its reference implementation included. */
const LENGTH_BYTES = 8;
/** The format allows 100 MB; nobody's tensors take more than this to name, and an isolate has room for it. */
const MAX_HEADER_BYTES = 25_000_000;
const BRACE = 0x7b;
const ALIGNMENT = 8;
const METADATA = "__metadata__";

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

const isSize = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

function isEntry(value: unknown): value is Entry {
  if (typeof value !== "object" || value === null) return false;
  const { dtype, shape, data_offsets: at } = value as Partial<Record<keyof Entry, unknown>>;
  const isShape = Array.isArray(shape) && shape.every(isSize);
  return typeof dtype === "string" && isShape && Array.isArray(at) && at.length === 2 && at.every(isSize);
}

const isTexts = (value: unknown): value is Record<string, string> =>
  typeof value === "object" &&
  value !== null &&
  Object.values(value).every((text) => typeof text === "string");

/** Whether a file that begins so is one: a plausible length, then an object. */
export function looksLikeSafetensors(head: Uint8Array): boolean {
  if (head.length <= LENGTH_BYTES || head[LENGTH_BYTES] !== BRACE) return false;
  const length = new DataView(head.buffer, head.byteOffset).getBigUint64(0, true);
  return length >= 2n && length <= 100_000_000n;
}

async function readHeader(
  source: ByteSource,
): Promise<{ header: Record<string, unknown>; dataStart: number }> {
  const head = await demand(source, 0, LENGTH_BYTES);
  const length = Number(new DataView(head.buffer, head.byteOffset).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES)
    throw new MalformedFile(`its header is larger than ${MAX_HEADER_BYTES} bytes`);
  const text = await demand(source, LENGTH_BYTES, length);
  if (text[0] !== BRACE) throw new MalformedFile("its header is no JSON object");
  try {
    const header = JSON.parse(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text),
    ) as Record<string, unknown>;
    return { header, dataStart: LENGTH_BYTES + length };
  } catch (cause) {
    throw new MalformedFile("its header is no JSON in UTF-8", { cause });
  }
}

function tensorOf(
  name: string,
  entry: unknown,
  source: ByteSource,
  dataStart: number,
): TensorInfo & { at: number } {
  if (!isEntry(entry)) throw new MalformedFile(`its header does not say what “${name}” is`);
  const { dtype, shape, data_offsets: offsets } = entry;
  const [from, to] = offsets;
  const bytes = to - from;
  if (bytes < 0 || dataStart + to > source.size)
    throw new MalformedFile(`“${name}” lies beyond the end of the file`);
  if (isElementType(dtype) && bytes !== elementsOf(shape) * ELEMENT_BYTES[dtype])
    throw new MalformedFile(`“${name}” has ${bytes} bytes, which are not ${dtype} [${shape.join(", ")}]`);
  return { name, dtype, shape, bytes, at: from, read: () => source.stream(dataStart + from, bytes) };
}

/** Reads the header alone, of a file of any size. */
export async function readSafetensors(source: ByteSource): Promise<ModelFile> {
  const { header, dataStart } = await readHeader(source);
  const { [METADATA]: given = {}, ...entries } = header;
  if (!isTexts(given)) throw new MalformedFile("its metadata are not all texts");
  const tensors = Object.entries(entries)
    .map(([name, entry]) => tensorOf(name, entry, source, dataStart))
    .sort((a, b) => a.at - b.at || a.bytes - b.bytes);
  // No holes and nothing twice: what a header does not account for is no business of a model file.
  let end = 0;
  for (const { name, at, bytes } of tensors) {
    if (at !== end) throw new MalformedFile(`“${name}” does not begin where the tensor before it ends`);
    end = at + bytes;
  }
  if (dataStart + end !== source.size) throw new MalformedFile("there are bytes behind the last tensor");
  return { format: "safetensors", tensors, metadata: { ...given }, graph: null };
}

/** Writes tensors in the order given, their header padded so that they are aligned. */
export function writeSafetensors(tensors: TensorSource[], metadata: Record<string, string> = {}): Writing {
  const header = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) header.set(METADATA, metadata);
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    if (name === METADATA || header.has(name))
      throw new MalformedFile(`a tensor may not be called “${name}”, or twice so`);
    const start = end;
    end += elementsOf(shape) * ELEMENT_BYTES[dtype];
    header.set(name, { dtype, shape, data_offsets: [start, end] });
  }
  // By hand, since an object would put names that are numbers first.
  const members = [...header].map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  const text = new TextEncoder().encode(`{${members.join(",")}}`);
  const padded = Math.ceil(text.length / ALIGNMENT) * ALIGNMENT;
  const head = new Uint8Array(LENGTH_BYTES + padded).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(text, LENGTH_BYTES);
  return { size: head.length + end, body: joined([() => single(head), ...tensors.map(({ read }) => read)]) };
}
