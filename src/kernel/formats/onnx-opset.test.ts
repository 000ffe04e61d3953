import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, it } from "vitest";
import { bytesSource } from "./byte-source.ts";
import { encodeModel, type Message, node, valueInfo } from "./onnx-encode.ts";
import { readOnnxDocument } from "./onnx-document.ts";
import { raised } from "./onnx-opset.ts";
import { writeOnnx } from "./onnx-write.ts";
import { intField, littleEndianFloats, stringField, tag } from "./protobuf-encode.ts";
import { collected } from "./streams.ts";

const ints = (name: string, values: number[]): Message => [
  stringField(1, name),
  ...values.map((value) => intField(8, value)),
  intField(20, 7),
];
const int = (name: string, value: number): Message => [
  stringField(1, name),
  intField(3, value),
  intField(20, 2),
];
const float = (name: string, value: number): Message => [
  stringField(1, name),
  tag(2, 5),
  littleEndianFloats([value]),
  intField(20, 1),
];

function model(opset: number, nodes: Message[], rank = 3): Uint8Array {
  const shape = ["a", "b", "c", "d"].slice(0, rank);
  return encodeModel({
    ...{ irVersion: 4, producerName: "test", opsets: { "": opset }, metadata: {} },
    graph: {
      ...{ name: "g", nodes, initializers: [] },
      inputs: [valueInfo("x", "float", shape)],
      outputs: [valueInfo("y", "float", [])],
    },
  });
}

const X = new Tensor(
  "float32",
  Float32Array.from({ length: 24 }, (_, i) => Math.sin(i) * 3),
  [2, 3, 4],
);
async function outputOf(bytes: Uint8Array) {
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 4 });
  const { y } = await session.run({ x: X });
  return { dims: y!.dims, data: [...(y!.data as Float32Array)] };
}

async function raise(bytes: Uint8Array, to: number): Promise<Uint8Array> {
  const { size, body } = writeOnnx(raised(await readOnnxDocument(bytesSource(bytes)), to));
  return collected(body, size);
}

it.each<[string, number, Message[]]>([
  ["Clip", 8, [node("Clip", ["x"], ["y"], [float("min", -1), float("max", 0.5)])]],
  ["Clip without an end", 8, [node("Clip", ["x"], ["y"], [float("max", 0.5)])]],
  ["Softmax", 11, [node("Softmax", ["x"], ["y"])]],
  ["LogSoftmax over the last axis", 11, [node("LogSoftmax", ["x"], ["y"], [int("axis", -1)])]],
  ["Pad", 9, [node("Pad", ["x"], ["y"], [ints("pads", [0, 1, 0, 1, 0, 2]), float("value", 7)])]],
  [
    "Slice",
    9,
    [node("Slice", ["x"], ["y"], [ints("starts", [1, -3]), ints("ends", [3, -1]), ints("axes", [1, 2])])],
  ],
  ["ReduceSum", 11, [node("ReduceSum", ["x"], ["y"], [ints("axes", [-1]), int("keepdims", 0)])]],
  ["ReduceSum over all", 11, [node("ReduceSum", ["x"], ["y"])]],
  [
    "Unsqueeze",
    11,
    [
      node("Unsqueeze", ["x"], ["u"], [ints("axes", [0, 4])]),
      node("Squeeze", ["u"], ["y"], [ints("axes", [4])]),
    ],
  ],
  [
    "Split",
    11,
    [
      node("Split", ["x"], ["s", "t"], [ints("split", [1, 2]), int("axis", 1)]),
      node("Concat", ["t", "s"], ["y"], [int("axis", 1)]),
    ],
  ],
  ["TopK", 9, [node("TopK", ["x"], ["y", "i"], [int("k", 2)])]],
  ["Dropout", 9, [node("Dropout", ["x"], ["y"], [float("ratio", 0.9)])]],
])("%s of an old operator set means the same in a new one", async (_, opset, nodes) => {
  const old = model(opset, nodes);
  const raisedTo = await raise(old, 17);
  expect((await readOnnxDocument(bytesSource(raisedTo))).opsets.get("")).toBe(17);
  expect(await outputOf(raisedTo)).toEqual(await outputOf(old));
});

it.each<[string, number, number, Message[], string]>([
  ["an operator that was replaced", 8, 17, [node("Upsample", ["x"], ["y"])], "Upsample"],
  ["a way back", 17, 13, [node("Relu", ["x"], ["y"])], "newer than 13"],
  ["what is too old", 6, 17, [node("Relu", ["x"], ["y"])], "older than 7"],
])("%s is refused by name", async (_, from, to, nodes, why) => {
  await expect(raise(model(from, nodes), to)).rejects.toThrow(why);
});
