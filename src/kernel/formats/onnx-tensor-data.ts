import { MalformedFile } from "./byte-source.ts";
import type { ElementType } from "./model-file.ts";
import { Fields } from "./protobuf.ts";

/** Which field of `TensorProto` holds elements of a type that are not written as raw bytes, and how. */
export const TENSOR_DATA = {
  ...{ F32: { field: 4, bytes: 4, isFixed: true }, F64: { field: 10, bytes: 8, isFixed: true } },
  ...{ C64: { field: 4, bytes: 4, isFixed: true }, C128: { field: 10, bytes: 8, isFixed: true } },
  ...{ I64: { field: 7, bytes: 8, isFixed: false }, U64: { field: 11, bytes: 8, isFixed: false } },
  ...{ U32: { field: 11, bytes: 4, isFixed: false }, I32: { field: 5, bytes: 4, isFixed: false } },
  ...{ I16: { field: 5, bytes: 2, isFixed: false }, U16: { field: 5, bytes: 2, isFixed: false } },
  ...{ F16: { field: 5, bytes: 2, isFixed: false }, BF16: { field: 5, bytes: 2, isFixed: false } },
  ...{ I8: { field: 5, bytes: 1, isFixed: false }, U8: { field: 5, bytes: 1, isFixed: false } },
  ...{ BOOL: { field: 5, bytes: 1, isFixed: false } },
} as const satisfies Partial<Record<ElementType, { field: number; bytes: number; isFixed: boolean }>>;

/** Varints one after the other, each as its lowest bytes. */
function* lowest(bytes: Uint8Array, start: number, end: number, width: number): Generator<Uint8Array> {
  for (let at = start; at < end;) {
    let value = 0n;
    let shift = 0n;
    for (let more = true; more; shift += 7n) {
      if (at >= end || shift > 63n) throw new MalformedFile("a number in a tensor is cut off");
      const byte = bytes[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      more = byte >= 0x80;
    }
    const element = new Uint8Array(8);
    new DataView(element.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
    yield element.subarray(0, width);
  }
}

/** The elements of a tensor message, little-endian, one after the other. */
export function plainBytes(tensor: Uint8Array, dtype: keyof typeof TENSOR_DATA): Uint8Array {
  const { field: wanted, bytes: width, isFixed } = TENSOR_DATA[dtype];
  const parts: Uint8Array[] = [];
  const fields = new Fields(tensor, 0, tensor.length);
  for (let field = fields.next(); field; field = fields.next()) {
    if (field.number !== wanted) continue;
    if (isFixed) parts.push(tensor.subarray(field.start, field.end));
    else for (const element of lowest(tensor, field.start, field.end, width)) parts.push(element);
  }
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
