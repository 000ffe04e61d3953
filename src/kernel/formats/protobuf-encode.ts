/**
 * The two wire types of protocol buffers that ONNX needs (https://protobuf.dev/programming-guides/encoding/).
 * A field is its encoded bytes; a message is its fields one after the other.
 */
export type Field = Uint8Array;

const VARINT = 0;
const LENGTH_DELIMITED = 2;

const text = new TextEncoder();

/** A whole number; negative ones are encoded as 64-bit two's complement, as int64 demands. */
export function intField(number: number, value: number): Field {
  return Uint8Array.from([...varint((number << 3) | VARINT), ...varint(value)]);
}

export function bytesField(number: number, value: Uint8Array): Field {
  return concat([tag(number, LENGTH_DELIMITED), Uint8Array.from(varint(value.length)), value]);
}

export function stringField(number: number, value: string): Field {
  return bytesField(number, text.encode(value));
}

export function messageField(number: number, fields: Field[]): Field {
  return bytesField(number, concat(fields));
}

export function concat(parts: Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Raw tensor data is little-endian whatever the machine. */
export function littleEndianFloats(values: ArrayLike<number>): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(values.length * 4));
  for (let at = 0; at < values.length; at++) bytes.setFloat32(at * 4, values[at]!, true);
  return new Uint8Array(bytes.buffer);
}

export function tag(number: number, wireType: number): Uint8Array {
  return Uint8Array.from(varint((number << 3) | wireType));
}

/** Seven bits a byte, lowest first; the high bit says that more follow. */
export function varint(value: number): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}

/** A float field's four bytes. */
export const floatBits = (bytes: Uint8Array): number =>
  new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true);
