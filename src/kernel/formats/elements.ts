import { fromHalf, toHalf } from "../half.ts";
import { ELEMENT_BYTES, type ElementType } from "./model-file.ts";

/** How one number of a type is read and written, little-endian. */
interface Codec {
  get(view: DataView, at: number): number;
  set(view: DataView, at: number, value: number): void;
}

const floatBits = new DataView(new ArrayBuffer(4));

/** The upper half of a float32, rounded to the nearest, ties to even; NaN stays NaN. */
function toBrain(value: number): number {
  floatBits.setFloat32(0, value);
  const word = floatBits.getUint32(0);
  if (Number.isNaN(value)) return (word >>> 16) | 0x40;
  return (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
}

function fromBrain(word: number): number {
  floatBits.setUint32(0, (word << 16) >>> 0);
  return floatBits.getFloat32(0);
}

/** Types whose elements are numbers JavaScript has; 64-bit integers lose what a double cannot hold. */
const CODECS = {
  F64: { get: (v, at) => v.getFloat64(at, true), set: (v, at, x) => v.setFloat64(at, x, true) },
  F32: { get: (v, at) => v.getFloat32(at, true), set: (v, at, x) => v.setFloat32(at, x, true) },
  F16: {
    get: (v, at) => fromHalf(v.getUint16(at, true)),
    set: (v, at, x) => v.setUint16(at, toHalf(x), true),
  },
  BF16: {
    get: (v, at) => fromBrain(v.getUint16(at, true)),
    set: (v, at, x) => v.setUint16(at, toBrain(x), true),
  },
  I64: {
    get: (v, at) => Number(v.getBigInt64(at, true)),
    set: (v, at, x) => v.setBigInt64(at, BigInt(x), true),
  },
  I32: { get: (v, at) => v.getInt32(at, true), set: (v, at, x) => v.setInt32(at, x, true) },
  I16: { get: (v, at) => v.getInt16(at, true), set: (v, at, x) => v.setInt16(at, x, true) },
  I8: { get: (v, at) => v.getInt8(at), set: (v, at, x) => v.setInt8(at, x) },
  U64: {
    get: (v, at) => Number(v.getBigUint64(at, true)),
    set: (v, at, x) => v.setBigUint64(at, BigInt(x), true),
  },
  U32: { get: (v, at) => v.getUint32(at, true), set: (v, at, x) => v.setUint32(at, x, true) },
  U16: { get: (v, at) => v.getUint16(at, true), set: (v, at, x) => v.setUint16(at, x, true) },
  U8: { get: (v, at) => v.getUint8(at), set: (v, at, x) => v.setUint8(at, x) },
  BOOL: { get: (v, at) => Number(v.getUint8(at) !== 0), set: (v, at, x) => v.setUint8(at, Number(x !== 0)) },
} as const satisfies Partial<Record<ElementType, Codec>>;
export type NumberType = keyof typeof CODECS;

export const isNumberType = (name: string): name is NumberType => Object.hasOwn(CODECS, name);
export const isFloatType = (name: string): boolean => ["F64", "F32", "F16", "BF16"].includes(name);

/** The numbers that bytes stand for. */
export function toNumbers(dtype: NumberType, bytes: Uint8Array): Float64Array {
  const { get }: Codec = CODECS[dtype];
  const width = ELEMENT_BYTES[dtype];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return new Float64Array(bytes.length / width).map((_, i) => get(view, i * width));
}

/** Numbers as bytes of a type, rounded as it has to be. */
export function fromNumbers(dtype: NumberType, values: ArrayLike<number>): Uint8Array {
  const { set }: Codec = CODECS[dtype];
  const width = ELEMENT_BYTES[dtype];
  const bytes = new Uint8Array(values.length * width);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) set(view, i * width, values[i]!);
  return bytes;
}

/** A stream of elements as another type, chunk by chunk. */
export function recoded(
  stream: ReadableStream<Uint8Array>,
  from: NumberType,
  to: NumberType,
): ReadableStream<Uint8Array> {
  if (from === to) return stream;
  return inWhole(stream, ELEMENT_BYTES[from], (bytes) => fromNumbers(to, toNumbers(from, bytes)));
}

/** Rewrites a stream in pieces that are multiples of `unit` bytes; what remains at its end is lost, as it is no unit. */
export function inWhole(
  stream: ReadableStream<Uint8Array>,
  unit: number,
  rewrite: (bytes: Uint8Array) => Uint8Array,
): ReadableStream<Uint8Array> {
  let rest = new Uint8Array();
  return stream.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        const all = new Uint8Array(rest.length + chunk.length);
        all.set(rest);
        all.set(chunk, rest.length);
        const whole = all.length - (all.length % unit);
        rest = all.slice(whole);
        if (whole > 0) controller.enqueue(rewrite(all.subarray(0, whole)));
      },
    }),
  );
}
