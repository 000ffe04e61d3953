import type { BenchmarkFigure } from "../../../src/kernel/system-sample.ts";
import { elementwiseAdd, matrixMultiply } from "./compute.ts";
import { disk } from "./disk.ts";
import { unmeasured } from "./figure.ts";
import { inference } from "./inference.ts";
import { COPY_SIZES, memoryCopy } from "./memory.ts";

/**
 * The benchmark's own process: measures one thing after the other and prints each as a line of JSON, so that what was
 * measured counts even if the rest takes too long. The folder to write in is its only argument.
 */
const folder = process.argv[2]!;

// Whoever started it is gone when its standard input ends.
process.stdin.on("end", () => process.exit(1)).resume();

const STEPS: [name: string, unit: string, step: () => Promise<BenchmarkFigure | BenchmarkFigure[]>][] = [
  ["matrix_multiply", "GFLOP/s", matrixMultiply],
  ["elementwise_add", "ms", elementwiseAdd],
  ...COPY_SIZES.map((size): (typeof STEPS)[number] => [
    `memory_copy_${size}mb`,
    "GB/s",
    () => memoryCopy(size),
  ]),
  ["onnx_inference", "rows/s", inference],
  ["disk", "MB/s", () => disk(folder)],
];

for (const [name, unit, step] of STEPS) {
  const figures = await step().catch((error: unknown) =>
    unmeasured({ name, unit, method: "" }, error instanceof Error ? error.message : String(error)),
  );
  for (const figure of [figures].flat()) process.stdout.write(`${JSON.stringify(figure)}\n`);
}
process.exit(0);
