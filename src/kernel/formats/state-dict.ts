import { type ByteSource, MalformedFile } from "./byte-source.ts";
import {
  elementsOf,
  type ModelFile,
  type TensorInfo,
  type TensorSource,
  type Writing,
} from "./model-file.ts";
import { collected, joined, single } from "./streams.ts";

/**
 * The reference's JSON state dict: `{"entries": {name: {"data": {"shape", "values"}, "requires_grad", "metadata"}},
 * "metadata": {…}}`, float32 values as a flat list. It is read as a whole, and so bounded.
 */
export const MAX_JSON_BYTES = 24_000_000;

interface Entry {
  data: { shape: number[]; values: number[] };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function isEntry(value: unknown): value is Entry {
  if (!isRecord(value) || !isRecord(value["data"])) return false;
  const { shape, values } = value["data"];
  const isNumbers = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((item) => typeof item === "number");
  return (
    isNumbers(shape) && shape.every((size) => Number.isSafeInteger(size) && size >= 0) && isNumbers(values)
  );
}

function tensorOf(name: string, entry: unknown): TensorInfo {
  if (!isEntry(entry)) throw new MalformedFile(`“${name}” has no shape and values`);
  const { shape, values } = entry.data;
  if (elementsOf(shape) !== values.length)
    throw new MalformedFile(`“${name}” has ${values.length} values, which are not [${shape.join(", ")}]`);
  const read = () => single(new Uint8Array(Float32Array.from(values).buffer));
  return { name, dtype: "F32", shape, bytes: values.length * 4, read };
}

/** Whether a file that begins so may be one: an object whose first key is one of the two. */
export const looksLikeStateDict = (head: Uint8Array): boolean =>
  /^\uFEFF?\s*\{\s*"(entries|metadata)"\s*:/.test(new TextDecoder().decode(head));

const asText = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

export async function readStateDict(source: ByteSource): Promise<ModelFile> {
  if (source.size > MAX_JSON_BYTES)
    throw new MalformedFile(`JSON beyond ${MAX_JSON_BYTES} bytes is not read`);
  const text = new TextDecoder().decode(await source.read(0, source.size));
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw new MalformedFile("it is no JSON", { cause });
  }
  if (!isRecord(content) || !isRecord(content["entries"])) throw new MalformedFile("it has no entries");
  const given = isRecord(content["metadata"]) ? content["metadata"] : {};
  const metadata = Object.fromEntries(Object.entries(given).map(([key, value]) => [key, asText(value)]));
  const tensors = Object.entries(content["entries"]).map(([name, entry]) => tensorOf(name, entry));
  return { format: "state-dict", tensors, metadata, graph: null };
}

const text = new TextEncoder();

async function entryOf({ name, shape, read }: TensorSource): Promise<Uint8Array> {
  const bytes = await collected(read(), elementsOf(shape) * 4);
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  if (!values.every(Number.isFinite)) throw new MalformedFile(`JSON has no words for what is in “${name}”`);
  const data = `{"shape":${JSON.stringify(shape)},"values":[${values.join(",")}]}`;
  return text.encode(`${JSON.stringify(name)}:{"data":${data},"requires_grad":true,"metadata":{}}`);
}

/** Writes float32 tensors; in memory, since how long numbers are as text shows only when they are written. */
export async function writeStateDict(
  tensors: TensorSource[],
  metadata: Record<string, string>,
): Promise<Writing> {
  const parts: Uint8Array[] = [text.encode('{"entries":{')];
  let size = 0;
  for (const [i, tensor] of tensors.entries()) {
    if (tensor.dtype !== "F32")
      throw new MalformedFile(`“${tensor.name}” is ${tensor.dtype}; a state dict holds F32`);
    if (i > 0) parts.push(text.encode(","));
    parts.push(await entryOf(tensor));
    size = parts.reduce((sum, part) => sum + part.length, 0);
    if (size > MAX_JSON_BYTES) throw new MalformedFile(`JSON beyond ${MAX_JSON_BYTES} bytes is not written`);
  }
  parts.push(text.encode(`},"metadata":${JSON.stringify(metadata)}}`));
  size = parts.reduce((sum, part) => sum + part.length, 0);
  return { size, body: joined(parts.map((part) => () => single(part))) };
}
