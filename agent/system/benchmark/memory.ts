import type { BenchmarkFigure } from "../../../src/kernel/system-sample.ts";
import { measured, timed } from "./figure.ts";

/** In MiB, as the sizes of the contract are. */
export const COPY_SIZES = [1, 16, 64];

export async function memoryCopy(mebibytes: number): Promise<BenchmarkFigure> {
  const bytes = mebibytes * 1_048_576;
  const [from, to] = [new Uint8Array(bytes).fill(1), new Uint8Array(bytes)];
  // A single copy of a small block is too short to be timed.
  const copies = Math.max(1, 16 / mebibytes);
  const copy = () => {
    for (let i = 0; i < copies; i++) to.set(from);
  };
  const times = await timed(copy, { warmUps: 3, runs: 10 });
  return measured(
    {
      name: `memory_copy_${mebibytes}mb`,
      unit: "GB/s",
      method: `copy of ${mebibytes} MiB in host memory on one thread; 1 GB is 10⁹ bytes, each counted once although it is read and written`,
    },
    times.map((ms) => (bytes * copies) / ms / 1e6),
  );
}
