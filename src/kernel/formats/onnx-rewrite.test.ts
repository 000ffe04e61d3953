import { readFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { bytesSource } from "./byte-source.ts";
import { type OnnxDocument, readOnnxDocument } from "./onnx-document.ts";
import { encodeModel, floatTensor, intAttribute, type Message, node, valueInfo } from "./onnx-encode.ts";
import { readOnnx } from "./onnx.ts";
import { halved, widened } from "./onnx-half.ts";
import { quantizeDynamically, quantizeWeights } from "./onnx-quantize.ts";
import { writeOnnx } from "./onnx-write.ts";
import { collected } from "./streams.ts";

const noise = (seed: number, length: number, size: number) =>
  Array.from({ length }, (_, i) => Math.fround(Math.sin(i * 1.7 + seed) * size));

/** An image through a convolution, then a product of each kind, the first weight used twice. */
function model(): Uint8Array {
  const inits: Message[] = [
    floatTensor("conv.w", [16, 3, 3, 3], noise(1, 432, 0.3)),
    floatTensor("fc.w", [32, 256], noise(2, 8192, 0.1)),
    floatTensor("fc.b", [32], noise(3, 32, 0.1)),
    floatTensor("mm.w", [32, 32], noise(4, 1024, 0.2)),
    floatTensor("shared.w", [32, 32], noise(5, 1024, 0.2)),
  ];
  const nodes = [
    node("Conv", ["x", "conv.w"], ["c"]),
    node("Relu", ["c"], ["r"]),
    node("Flatten", ["r"], ["f"]),
    node("Gemm", ["f", "fc.w", "fc.b"], ["g"], [intAttribute("transB", 1)]),
    node("MatMul", ["g", "mm.w"], ["m"]),
    node("MatMul", ["m", "shared.w"], ["s"]),
    node("MatMul", ["s", "shared.w"], ["y"]),
  ];
  return encodeModel({
    ...{ irVersion: 8, producerName: "test", opsets: { "": 17 }, metadata: { kept: "yes" } },
    graph: {
      ...{ name: "g", nodes, initializers: inits },
      inputs: [valueInfo("x", "float", ["n", 3, 6, 6])],
      outputs: [valueInfo("y", "float", ["n", 32])],
    },
  });
}

const written = async (document: OnnxDocument): Promise<Uint8Array> => {
  const { size, body } = writeOnnx(document);
  return collected(body, size);
};

const X = new Tensor("float32", Float32Array.from(noise(9, 2 * 108, 1)), [2, 3, 6, 6]);
async function predict(bytes: Uint8Array): Promise<Float32Array> {
  const session = await InferenceSession.create(bytes);
  const { y } = await session.run({ x: X });
  return y!.data as Float32Array;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a).toHaveLength(b.length);
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
}
const largest = (values: Float32Array) => Math.max(...values.map(Math.abs));

describe("a model that was taken apart and put together", () => {
  it("is the same model", async () => {
    const whole = model();
    const again = await written(await readOnnxDocument(bytesSource(whole)));
    expect(await predict(again)).toEqual(await predict(whole));
    expect(await readOnnx(bytesSource(again))).toMatchObject({
      metadata: { kept: "yes" },
      graph: { producer: "test", operators: { MatMul: 3, Conv: 1 } },
    });
  });

  it("also a library's own", async () => {
    const file = readFileSync("test/fixtures/formats/model.onnx");
    const again = await written(await readOnnxDocument(bytesSource(file)));
    const session = await InferenceSession.create(again);
    expect(session.outputNames).toEqual(["y"]);
  });
});

describe("what makes a model smaller keeps what it says", () => {
  it.each([
    ["weights in half precision", (d: OnnxDocument) => Promise.resolve(halved(d)), 0.005, 0.6],
    ["weights as bytes", quantizeWeights, 0.03, 0.4],
    ["products in whole numbers", quantizeDynamically, 0.05, 0.4],
  ])("%s", async (_, rewrite, tolerance, size) => {
    const whole = model();
    const small = await written(await rewrite(await readOnnxDocument(bytesSource(whole))));
    expect(small.length / whole.length).toBeLessThan(size);
    const [before, after] = [await predict(whole), await predict(small)];
    expect(largestDifference(before, after)).toBeLessThan(tolerance * largest(before));
  });

  it("half precision goes back to the float32 weights it was rounded to", async () => {
    const half = halved(await readOnnxDocument(bytesSource(model())));
    const small = await written(half);
    const wide = await written(widened(await readOnnxDocument(bytesSource(small))));
    expect(await predict(wide)).toEqual(await predict(small));
    const { tensors, graph } = await readOnnx(bytesSource(wide));
    expect(tensors.every(({ dtype }) => dtype === "F32")).toBe(true);
    expect(graph!.operators).not.toHaveProperty("Cast");
  });

  it("is refused for operators too old to know quantized weights", async () => {
    const document = await readOnnxDocument(bytesSource(model()));
    document.opsets.set("", 9);
    await expect(quantizeWeights(document)).rejects.toThrow("raise it first");
  });
});
