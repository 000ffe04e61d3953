import { InferenceSession, Tensor } from "onnxruntime-node";

/** Class probabilities of rows by the native runtime, to compare ours with. */
export async function nativeProbabilities(model: Uint8Array, rows: number[][]): Promise<number[][]> {
  const session = await InferenceSession.create(model);
  const width = rows[0]!.length;
  const features = new Tensor("float32", Float32Array.from(rows.flat()), [rows.length, width]);
  const { probabilities } = await session.run({ features });
  const { data, dims } = probabilities!;
  const classes = dims[1]!;
  return rows.map((_, row) =>
    Array.from((data as Float32Array).subarray(row * classes, (row + 1) * classes)),
  );
}

/** The largest distance between two tables of the same shape. */
export function largestDifference(a: number[][], b: number[][]): number {
  return Math.max(...a.flatMap((row, i) => row.map((value, j) => Math.abs(value - b[i]![j]!))));
}
