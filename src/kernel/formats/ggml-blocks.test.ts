import { describe, expect, it } from "vitest";
import { BLOCK_ELEMENTS, BLOCK_TYPES, type BlockTypeName, fromBlocks, toBlocks } from "./ggml-blocks.ts";

const weights = Float32Array.from({ length: 64 * BLOCK_ELEMENTS }, (_, i) =>
  Math.fround(Math.sin(i * 1.7) * Math.exp(3 * Math.cos(i / 77))),
);

/**
 * How far a weight may be off: half a step of its block, by the published layouts
 * (https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h), and what the scale in half precision adds. Of the
 * types that are symmetric the side without the furthest weight lacks one step.
 */
const BOUNDS: Record<BlockTypeName, (block: Float32Array) => number> = {
  Q4_0: (block) => largest(block) / 8,
  Q4_1: (block) => range(block) / 15 / 2,
  Q5_0: (block) => largest(block) / 16,
  Q5_1: (block) => range(block) / 31 / 2,
  Q8_0: (block) => largest(block) / 127 / 2,
};
const largest = (block: Float32Array) => Math.max(...block.map(Math.abs));
const range = (block: Float32Array) => Math.max(...block) - Math.min(...block);
const HALF_PRECISION = 2 ** -10;

describe.each(Object.keys(BLOCK_TYPES) as BlockTypeName[])("%s", (name) => {
  it("is off by no more than its steps allow, in every block", () => {
    const back = fromBlocks(name, toBlocks(name, weights));
    for (let at = 0; at < weights.length; at += BLOCK_ELEMENTS) {
      const block = weights.subarray(at, at + BLOCK_ELEMENTS);
      const most = BOUNDS[name](block) + HALF_PRECISION * largest(block);
      for (let i = 0; i < BLOCK_ELEMENTS; i++)
        expect(Math.abs(back[at + i]! - block[i]!)).toBeLessThanOrEqual(most);
    }
  });

  it("keeps zeros, and a block of one value nearly as it is", () => {
    expect([...fromBlocks(name, toBlocks(name, new Float32Array(32)))]).toEqual(Array(32).fill(0));
    const same = fromBlocks(name, toBlocks(name, new Float32Array(32).fill(-2.5)));
    for (const value of same) expect(value).toBeCloseTo(-2.5, 2);
  });

  it("refuses what is no whole number of blocks", () => {
    expect(() => toBlocks(name, new Float32Array(31))).toThrow("whole blocks");
    expect(() => fromBlocks(name, new Uint8Array(BLOCK_TYPES[name].blockBytes - 1))).toThrow("whole blocks");
  });
});

// What GGML's own Python package (gguf 0.19) makes of 32 weights -16…15, each a quarter.
it.each([
  ["Q4_0", "0038809191a2a2b3b3c4c4d5d5e6e6f7f7f8"],
  ["Q4_1", "223800c480809191a2a2b3b3c4c4d5d5e6e6f7f7"],
  ["Q5_0", "00340000ffff00112233445566778899aabbccddeeff"],
  ["Q5_1", "003400c40000ffff00112233445566778899aabbccddeeff"],
  ["Q8_0", "082881899199a1a9b1b9c0c8d0d8e0e8f0f8000810182028303840474f575f676f77"],
] as const)("%s lays its bits out as GGML does", (name, expected) => {
  const block = toBlocks(
    name,
    Float32Array.from({ length: 32 }, (_, i) => (i - 16) / 4),
  );
  expect(Buffer.from(block).toString("hex")).toBe(expected);
});
