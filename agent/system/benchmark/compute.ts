import type { BenchmarkFigure } from "../../../src/kernel/system-sample.ts";
import { measured, timed } from "./figure.ts";

const SIZE = 384;
const ELEMENTS = 1_048_576;

const filled = (length: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => ((i * 7919) % 1000) / 1000);

/** `c = a · b`, row by row, so that the innermost loop runs along memory. */
export function multiply(a: Float32Array, b: Float32Array, c: Float32Array, size: number): void {
  c.fill(0);
  for (let row = 0; row < size; row++) {
    const out = c.subarray(row * size, (row + 1) * size);
    for (let k = 0; k < size; k++) {
      const factor = a[row * size + k]!;
      const from = b.subarray(k * size, (k + 1) * size);
      for (let column = 0; column < size; column++) out[column] = out[column]! + factor * from[column]!;
    }
  }
}

export async function matrixMultiply(): Promise<BenchmarkFigure> {
  const [a, b, c] = [filled(SIZE * SIZE), filled(SIZE * SIZE), new Float32Array(SIZE * SIZE)];
  const times = await timed(() => multiply(a, b, c, SIZE), { warmUps: 2, runs: 7 });
  return measured(
    {
      name: "matrix_multiply",
      unit: "GFLOP/s",
      method: `${SIZE}×${SIZE} float32, 2·n³ operations, plain JavaScript on one thread; compares machines, and is far from what a tuned library reaches`,
    },
    times.map((ms) => (2 * SIZE ** 3) / ms / 1e6),
  );
}

export async function elementwiseAdd(): Promise<BenchmarkFigure> {
  const [a, b, c] = [filled(ELEMENTS), filled(ELEMENTS), new Float32Array(ELEMENTS)];
  const add = () => {
    for (let i = 0; i < ELEMENTS; i++) c[i] = a[i]! + b[i]!;
  };
  return measured(
    {
      name: "elementwise_add",
      unit: "ms",
      method: "sum of two arrays of 1,048,576 float32, plain JavaScript on one thread",
    },
    await timed(add, { warmUps: 3, runs: 10 }),
  );
}
