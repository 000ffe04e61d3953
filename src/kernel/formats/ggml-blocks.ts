import { fromHalf, toHalf } from "../half.ts";

/** Elements in a block of each type below. */
export const BLOCK_ELEMENTS = 32;
const HALF_BLOCK = BLOCK_ELEMENTS / 2;

/**
 * One of GGML's simple block types: 32 weights that share a scale, and some of them a minimum, rounded as GGML's reference
 * does (`quantize_row_*_ref` in https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c).
 */
export interface BlockType {
  blockBytes: number;
  /** Writes the block of `values[from…from+32]` at `at`. Values must be finite. */
  encode(values: Float32Array, from: number, out: DataView, at: number): void;
  decode(block: DataView, at: number, out: Float32Array, to: number): void;
}

const f32 = Math.fround;

/** The value furthest from zero, with its sign; the first of equals. */
function furthest(values: Float32Array, from: number): number {
  let found = 0;
  for (let i = from; i < from + BLOCK_ELEMENTS; i++)
    if (Math.abs(values[i]!) > Math.abs(found)) found = values[i]!;
  return found;
}

function extent(values: Float32Array, from: number): { min: number; max: number } {
  let [min, max] = [Infinity, -Infinity];
  for (let i = from; i < from + BLOCK_ELEMENTS; i++) {
    min = Math.min(min, values[i]!);
    max = Math.max(max, values[i]!);
  }
  return { min, max };
}

const inverse = (scale: number): number => (scale === 0 ? 0 : f32(1 / scale));

/** How a value becomes a level, given what its block has in common. */
interface Levels {
  /** The block's scale and minimum, as they are written. */
  scale: number;
  min?: number;
  levelOf(value: number): number;
}

/** Levels on both sides of zero: the furthest value is exactly the lowest level. */
function symmetric(values: Float32Array, from: number, bits: 4 | 5): Levels {
  const half = 1 << (bits - 1);
  const scale = f32(furthest(values, from) / -half);
  const factor = inverse(scale);
  const top = 2 * half - 1;
  const levelOf = (value: number) => Math.min(top, Math.trunc(f32(f32(value * factor) + half + 0.5)));
  return { scale, levelOf };
}

/** Levels from the smallest value to the largest. */
function affine(values: Float32Array, from: number, bits: 4 | 5): Levels {
  const { min, max } = extent(values, from);
  const top = (1 << bits) - 1;
  const scale = f32(f32(max - min) / top);
  const factor = inverse(scale);
  const levelOf = (value: number) => Math.min(top, Math.trunc(f32(f32(f32(value - min) * factor) + 0.5)));
  return { scale, min, levelOf };
}

/**
 * Four or five bits a weight: scale, minimum if any, the fifth bits if any (32 in order), then the low four of weight i and
 * of weight i + 16 in one byte.
 */
function packed(bits: 4 | 5, kind: typeof symmetric): BlockType {
  const hasMin = kind === affine;
  const highAt = hasMin ? 4 : 2;
  const lowAt = highAt + (bits === 5 ? 4 : 0);
  const zero = hasMin ? 0 : 1 << (bits - 1);
  return {
    blockBytes: lowAt + HALF_BLOCK,
    encode(values, from, out, at) {
      const { scale, min, levelOf } = kind(values, from, bits);
      out.setUint16(at, toHalf(scale), true);
      if (min !== undefined) out.setUint16(at + 2, toHalf(min), true);
      let high = 0;
      for (let i = 0; i < HALF_BLOCK; i++) {
        const [a, b] = [levelOf(values[from + i]!), levelOf(values[from + i + HALF_BLOCK]!)];
        out.setUint8(at + lowAt + i, (a & 15) | ((b & 15) << 4));
        high |= ((a >> 4) << i) | ((b >> 4) << (i + HALF_BLOCK));
      }
      if (bits === 5) out.setUint32(at + highAt, high >>> 0, true);
    },
    decode(block, at, out, to) {
      const scale = fromHalf(block.getUint16(at, true));
      const min = hasMin ? fromHalf(block.getUint16(at + 2, true)) : 0;
      const high = bits === 5 ? block.getUint32(at + highAt, true) : 0;
      for (let i = 0; i < HALF_BLOCK; i++) {
        const low = block.getUint8(at + lowAt + i);
        const a = (low & 15) | (((high >>> i) & 1) << 4);
        const b = (low >> 4) | (((high >>> (i + HALF_BLOCK)) & 1) << 4);
        out[to + i] = (a - zero) * scale + min;
        out[to + i + HALF_BLOCK] = (b - zero) * scale + min;
      }
    },
  };
}

/** As `roundf` of C: halves away from zero. */
const roundAway = (value: number): number => Math.sign(value) * Math.floor(Math.abs(value) + 0.5);

/** A byte a weight. */
const q8: BlockType = {
  blockBytes: 2 + BLOCK_ELEMENTS,
  encode(values, from, out, at) {
    const scale = f32(Math.abs(furthest(values, from)) / 127);
    const factor = inverse(scale);
    out.setUint16(at, toHalf(scale), true);
    for (let i = 0; i < BLOCK_ELEMENTS; i++)
      out.setInt8(at + 2 + i, roundAway(f32(values[from + i]! * factor)));
  },
  decode(block, at, out, to) {
    const scale = fromHalf(block.getUint16(at, true));
    for (let i = 0; i < BLOCK_ELEMENTS; i++) out[to + i] = block.getInt8(at + 2 + i) * scale;
  },
};

export const BLOCK_TYPES = {
  Q4_0: packed(4, symmetric),
  Q4_1: packed(4, affine),
  Q5_0: packed(5, symmetric),
  Q5_1: packed(5, affine),
  Q8_0: q8,
} as const satisfies Record<string, BlockType>;
export type BlockTypeName = keyof typeof BLOCK_TYPES;

export const isBlockType = (name: string): name is BlockTypeName => Object.hasOwn(BLOCK_TYPES, name);

/** Rows of 32 weights as blocks. */
export function toBlocks(name: BlockTypeName, values: Float32Array): Uint8Array {
  const { blockBytes, encode } = BLOCK_TYPES[name];
  const blocks = values.length / BLOCK_ELEMENTS;
  if (!Number.isInteger(blocks)) throw new RangeError(`${values.length} weights are no whole blocks of 32`);
  const bytes = new Uint8Array(blocks * blockBytes);
  const out = new DataView(bytes.buffer);
  for (let i = 0; i < blocks; i++) encode(values, i * BLOCK_ELEMENTS, out, i * blockBytes);
  return bytes;
}

/** The weights that blocks stand for. */
export function fromBlocks(name: BlockTypeName, bytes: Uint8Array): Float32Array {
  const { blockBytes, decode } = BLOCK_TYPES[name];
  const blocks = bytes.length / blockBytes;
  if (!Number.isInteger(blocks)) throw new RangeError(`${bytes.length} bytes are no whole blocks of ${name}`);
  const values = new Float32Array(blocks * BLOCK_ELEMENTS);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < blocks; i++) decode(view, i * blockBytes, values, i * BLOCK_ELEMENTS);
  return values;
}
