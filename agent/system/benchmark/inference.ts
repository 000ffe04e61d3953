import { encodeModel, floatTensor, node, valueInfo } from "../../../src/kernel/formats/onnx-encode.ts";
import type { BenchmarkFigure } from "../../../src/kernel/system-sample.ts";
import { measured, timed, unmeasured } from "./figure.ts";

const [INPUTS, HIDDEN, OUTPUTS, ROWS] = [256, 512, 10, 32];

const DESCRIBED = {
  name: "onnx_inference",
  unit: "rows/s",
  method: `onnxruntime-node on one CPU thread, a network ${INPUTS}→${HIDDEN}→${HIDDEN}→${OUTPUTS} of float32, ${ROWS} rows a call`,
};

const weights = (inputs: number, outputs: number): number[] =>
  Array.from({ length: inputs * outputs }, (_, i) => (((i * 7919) % 2001) - 1000) / 1000 / inputs);

function network(): Uint8Array {
  const sizes = [INPUTS, HIDDEN, HIDDEN, OUTPUTS];
  const layers = sizes.slice(1).map((size, i) => ({ from: sizes[i]!, size, i, isLast: i === 2 }));
  return encodeModel({
    irVersion: 8,
    producerName: "myelin-benchmark",
    opsets: { "": 17 },
    metadata: {},
    graph: {
      name: "benchmark",
      nodes: layers.flatMap(({ i, isLast }) => [
        node("MatMul", [i === 0 ? "x" : `h${i - 1}`, `w${i}`], [isLast ? "y" : `z${i}`]),
        ...(isLast ? [] : [node("Relu", [`z${i}`], [`h${i}`])]),
      ]),
      initializers: layers.map(({ from, size, i }) =>
        floatTensor(`w${i}`, [from, size], weights(from, size)),
      ),
      inputs: [valueInfo("x", "float", [ROWS, INPUTS])],
      outputs: [valueInfo("y", "float", [ROWS, OUTPUTS])],
    },
  });
}

/** Runs a small network natively where the machine has the runtime. */
export async function inference(): Promise<BenchmarkFigure> {
  const runtime = await import("onnxruntime-node").catch((error: unknown) => error as Error);
  if (runtime instanceof Error) return unmeasured(DESCRIBED, `no onnxruntime-node here: ${runtime.message}`);
  const session = await runtime.InferenceSession.create(network(), { intraOpNumThreads: 1 });
  const x = new runtime.Tensor("float32", new Float32Array(ROWS * INPUTS).fill(0.5), [ROWS, INPUTS]);
  const times = await timed(() => session.run({ x }), { warmUps: 20, runs: 50 });
  await session.release();
  return measured(
    DESCRIBED,
    times.map((ms) => (ROWS * 1000) / ms),
  );
}
