import { type ByteSource, Cursor, MalformedFile } from "./byte-source.ts";

const VARINT = 0;
const DELIMITED = 2;
const FIXED: Record<number, number> = { 1: 8, 5: 4 };

/** A field of a protobuf message that lies in a file: a number, or where its bytes are. */
export interface Placed {
  number: number;
  value: number;
  /** Where its key begins. */
  keyStart: number;
  start: number;
  end: number;
}

/** Exact below 2^53; only lengths and keys matter here. */
export async function varintAt(cursor: Cursor): Promise<number> {
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
export async function* fieldsIn(source: ByteSource, start: number, end: number): AsyncGenerator<Placed> {
  const cursor = new Cursor(source, start);
  while (cursor.position < end) {
    const keyStart = cursor.position;
    const key = await varintAt(cursor);
    const number = Math.floor(key / 8);
    if (number < 1 || number > 0x1fffffff) throw new MalformedFile("a field number is out of range");
    const wire = key % 8;
    const value = wire === VARINT ? await varintAt(cursor) : NaN;
    const length = wire === DELIMITED ? await varintAt(cursor) : (FIXED[wire] ?? 0);
    if (wire !== VARINT && wire !== DELIMITED && length === 0)
      throw new MalformedFile(`a field has the unknown wire type ${wire}`);
    const from = cursor.position;
    if (length > end - from) throw new MalformedFile("a field reaches beyond the end of its message");
    cursor.skip(length);
    yield { number, value, keyStart, start: from, end: from + length };
  }
}
