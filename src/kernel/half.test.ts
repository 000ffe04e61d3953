import { expect, it } from "vitest";
import { fromHalf, toHalf } from "./half.ts";

it("agrees with the engine's own half-precision floats on every word and around every rounding edge", () => {
  const words = new Uint16Array(65_536).map((_, i) => i);
  const native = new Float16Array(words.buffer);
  for (let word = 0; word < 65_536; word++) {
    const value = native[word]!;
    expect(Object.is(fromHalf(word), value)).toBe(true);
    if (Number.isNaN(value)) continue;
    expect(toHalf(value)).toBe(word);
  }
  const probe = new Float16Array(1);
  const bits = new Uint16Array(probe.buffer);
  for (let i = 0; i < 20_000; i++) {
    const value = Math.fround(Math.sin(i) * 2 ** ((i % 45) - 26));
    probe[0] = value;
    expect(toHalf(value)).toBe(bits[0]);
  }
  expect(Number.isNaN(fromHalf(toHalf(Number.NaN)))).toBe(true);
});
