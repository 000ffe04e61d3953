import { type Field, Fields } from "../kernel/formats/protobuf.ts";

/** The name under which the model file itself is lent to ONNX Runtime as the store of its large weights. */
export const WEIGHTS_PATH = "myelin-weights";

// Below this, a copy costs less than looking the tensor up.
const MIN_BYTES = 16_384;

const GRAPH = 7;
const INITIALIZER = 5;
const RAW_DATA = 9;
const EXTERNAL_DATA = 13;
const DATA_LOCATION = 14;

const encoder = new TextEncoder();

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  bytes.push(value);
  return Uint8Array.from(bytes);
}

const byteLength = (parts: Uint8Array[]): number => parts.reduce((sum, part) => sum + part.length, 0);

const delimited = (number: number, parts: Uint8Array[]): Uint8Array[] => [
  varint(number * 8 + 2),
  varint(byteLength(parts)),
  ...parts,
];

const entry = (key: string, value: string): Uint8Array[] =>
  delimited(EXTERNAL_DATA, [
    ...delimited(1, [encoder.encode(key)]),
    ...delimited(2, [encoder.encode(value)]),
  ]);

/** Where the raw data went, in the words of onnx.proto's `external_data`. */
const reference = ({ start, end }: Field): Uint8Array[] => [
  ...entry("location", WEIGHTS_PATH),
  ...entry("offset", String(start)),
  ...entry("length", String(end - start)),
  varint(DATA_LOCATION * 8),
  varint(1),
];

/** The fields of one message, each as it was or as `rewrite` wants it. */
function mapFields(
  bytes: Uint8Array,
  start: number,
  end: number,
  rewrite: (field: Field) => Uint8Array[] | undefined,
): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const fields = new Fields(bytes, start, end);
  let copied = start;
  for (let field = fields.next(); field; field = fields.next()) {
    const replacement = rewrite(field);
    if (!replacement) continue;
    parts.push(bytes.subarray(copied, field.keyStart), ...replacement);
    copied = field.end;
  }
  parts.push(bytes.subarray(copied, end));
  return parts;
}

const tensor = (bytes: Uint8Array, { number, start, end }: Field): Uint8Array[] =>
  delimited(
    number,
    mapFields(bytes, start, end, (field) =>
      field.number === RAW_DATA && field.end - field.start >= MIN_BYTES ? reference(field) : undefined,
    ),
  );

const graph = (bytes: Uint8Array, { number, start, end }: Field): Uint8Array[] =>
  delimited(
    number,
    mapFields(bytes, start, end, (field) =>
      field.number === INITIALIZER && field.end - field.start >= MIN_BYTES ? tensor(bytes, field) : undefined,
    ),
  );

/**
 * The model with its large weights replaced by references into the file itself. Loaded whole, a model lies in the wasm
 * heap four times at its peak (file, parsed, tensor, packed); loaded like this, twice.
 */
export function withoutWeights(bytes: Uint8Array): Uint8Array {
  const parts = mapFields(bytes, 0, bytes.length, (field) =>
    field.number === GRAPH ? graph(bytes, field) : undefined,
  );
  const slim = new Uint8Array(byteLength(parts));
  let at = 0;
  for (const part of parts) {
    slim.set(part, at);
    at += part.length;
  }
  return slim;
}
