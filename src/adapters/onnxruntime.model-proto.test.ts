import { describe, expect, it } from "vitest";
import { encodeModel, floatTensor, intAttribute, node, valueInfo } from "../kernel/formats/onnx-encode.ts";
import { concat, messageField, stringField } from "../kernel/formats/protobuf-encode.ts";
import { MalformedFile } from "../kernel/formats/byte-source.ts";
import { readModelProto } from "./onnxruntime.model-proto.ts";
import { refuseEndless, signatureOf } from "./onnxruntime.signature.ts";
import { withoutWeights } from "./onnxruntime.weights.ts";

const WEIGHTS = 200;

const model = (metadata: Record<string, string> = {}): Uint8Array =>
  encodeModel({
    irVersion: 8,
    producerName: "test",
    opsets: { "": 17 },
    metadata,
    graph: {
      name: "g",
      nodes: [
        node("Gemm", ["x", "w"], ["h"]),
        node("Relu", ["h"], ["r"]),
        node("Softmax", ["r"], ["y"], [intAttribute("axis", 1)]),
      ],
      initializers: [floatTensor("w", [WEIGHTS, WEIGHTS], new Float32Array(WEIGHTS * WEIGHTS).fill(0.5))],
      inputs: [valueInfo("x", "float", ["n", WEIGHTS])],
      outputs: [valueInfo("y", "float", ["n", WEIGHTS])],
    },
  });

const graphOf = (nodes: Uint8Array[][]): Uint8Array =>
  messageField(
    7,
    nodes.map((fields) => messageField(1, fields)),
  );

/** Whether reading ends in an answer or a refusal; anything else is a fault. */
function outcome(bytes: Uint8Array): "read" | "refused" {
  try {
    const proto = readModelProto(bytes);
    refuseEndless(proto);
    signatureOf(proto, [], []);
    withoutWeights(bytes);
    return "read";
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedFile);
    return "refused";
  }
}

describe("readModelProto", () => {
  it("reads metadata and operators", () => {
    const { metadata, operators } = readModelProto(
      model({ "myelin.task": "regression", "myelin.labels": '["ä"]' }),
    );
    expect([...metadata]).toEqual([
      ["myelin.task", "regression"],
      ["myelin.labels", '["ä"]'],
    ]);
    expect(Object.fromEntries(operators)).toEqual({ Gemm: 1, Relu: 1, Softmax: 1 });
  });

  it("refuses a file cut short anywhere", () => {
    const whole = model({ "myelin.task": "regression" });
    const cuts = [
      ...Array.from({ length: 400 }, (_, i) => i),
      ...Array.from({ length: 200 }, (_, i) => whole.length - 1 - i),
    ];
    for (const cut of cuts) outcome(whole.subarray(0, cut));
    expect(outcome(whole.subarray(0, whole.length >> 1))).toBe("refused");
    expect(outcome(new Uint8Array())).toBe("refused");
  });

  it("answers any damaged bytes", () => {
    const whole = model({ "myelin.features": '[{"name":"a","kind":"numeric"}]' });
    let state = 1;
    const next = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below;
    for (let round = 0; round < 3000; round++) {
      const damaged = whole.slice(0, 1 + next(600));
      for (let i = 0; i < 8; i++) damaged[next(damaged.length)] = next(256);
      outcome(damaged);
    }
    for (let round = 0; round < 3000; round++)
      outcome(Uint8Array.from({ length: next(200) }, () => next(256)));
  });

  it("refuses lengths beyond the file, endless numbers and unknown wire types", () => {
    expect(outcome(Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f))).toBe("refused");
    expect(
      outcome(Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01)),
    ).toBe("refused");
    expect(outcome(Uint8Array.of(0x0b))).toBe("refused");
    expect(outcome(Uint8Array.of(0x00, 0x00))).toBe("refused");
  });

  it("refuses graphs nested without end", () => {
    let graph: Uint8Array[] = [];
    for (let depth = 0; depth < 500; depth++)
      graph = [messageField(1, [messageField(5, [messageField(6, graph)])])];
    expect(() => readModelProto(messageField(7, graph))).toThrow(/nested deeper/);
  });

  it("finds a Loop wherever it hides", () => {
    const loop = [stringField(4, "Loop")];
    const inSubgraph = [stringField(4, "If"), messageField(5, [messageField(6, [messageField(1, loop)])])];
    const inFunction = concat([graphOf([]), messageField(25, [messageField(7, loop)])]);
    for (const bytes of [graphOf([loop]), graphOf([inSubgraph]), inFunction]) {
      expect(() => refuseEndless(readModelProto(bytes))).toThrow(/Loop/);
    }
  });
});

describe("signatureOf", () => {
  const read = (metadata: Record<string, string>) => signatureOf(readModelProto(model(metadata)), [], []);

  it("knows task, labels, features and weighted layers", () => {
    const features = [
      { name: "a", kind: "numeric" },
      { name: "b", kind: "categorical", categories: ["x"] },
    ];
    const metadata = {
      "myelin.task": "classification",
      "myelin.labels": '["p","q"]',
      "myelin.features": JSON.stringify(features),
    };
    expect(read(metadata)).toMatchObject({
      task: "classification",
      labels: ["p", "q"],
      features,
      layerCount: 1,
    });
    expect(read({})).toMatchObject({ task: null, labels: null, features: null });
  });

  it("refuses metadata that is not what it should be", () => {
    for (const labels of ["[", "{}", "[1]", '"a"'])
      expect(() => read({ "myelin.labels": labels })).toThrow(MalformedFile);
    for (const features of [
      "1",
      '[{"name":1,"kind":"numeric"}]',
      '[{"name":"a","kind":"odd"}]',
      '[{"name":"a","kind":"numeric"},{"name":"a","kind":"numeric"}]',
    ]) {
      expect(() => read({ "myelin.features": features })).toThrow(MalformedFile);
    }
  });

  it("refuses inputs and outputs that no request could carry", () => {
    const proto = readModelProto(model());
    expect(() => signatureOf(proto, [], [{ name: "z", isTensor: false }])).toThrow(/ZipMap/);
    expect(() => signatureOf(proto, [{ name: "x", isTensor: true, type: "uint64", shape: [] }], [])).toThrow(
      /uint64/,
    );
    const open = signatureOf(
      proto,
      [{ name: "x", isTensor: true, type: "float32", shape: ["", -1, "n", 3] }],
      [],
    );
    expect(open.inputs[0]!.shape).toEqual([null, null, "n", 3]);
  });
});

describe("withoutWeights", () => {
  it("leaves everything but the large weights, which it points to in the file itself", () => {
    const whole = model({ "myelin.task": "regression" });
    const slim = withoutWeights(whole);
    expect(slim.length).toBeLessThan(500);
    expect(readModelProto(slim)).toEqual(readModelProto(whole));
    const text = new TextDecoder("latin1").decode(slim);
    const offset = Number(/offset[^\d](?:.)(\d+)/.exec(text)?.[1]);
    const length = Number(/length[^\d](?:.)(\d+)/.exec(text)?.[1]);
    expect(length).toBe(WEIGHTS * WEIGHTS * 4);
    const weights = new Float32Array(whole.slice(offset, offset + length).buffer);
    expect(weights.every((weight) => weight === 0.5)).toBe(true);
  });
});
