import { MalformedFile } from "./byte-source.ts";

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

/** https://protobuf.dev/programming-guides/encoding/ */
const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

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
    if (number < 1 || number > 0x1fffffff) throw new MalformedFile("a field number is out of range");
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
        throw new MalformedFile(`a field has the unknown wire type ${key % 8}`);
    }
  }

  #delimited(number: number, keyStart: number): Field {
    const length = this.#varint();
    const start = this.#at;
    return { number, keyStart, value: Number.NaN, start, end: this.#skip(length) };
  }

  #skip(length: number): number {
    if (length > this.#end - this.#at)
      throw new MalformedFile("a field reaches beyond the end of its message");
    this.#at += length;
    return this.#at;
  }

  /** Exact below 2^53; only lengths and keys matter here, and larger ones are refused as out of bounds. */
  #varint(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 10; i++) {
      if (this.#at >= this.#end) throw new MalformedFile("the file ends in the middle of a number");
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    throw new MalformedFile("a number has more than ten bytes");
  }
}
