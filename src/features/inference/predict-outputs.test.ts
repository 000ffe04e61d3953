import { describe, expect, it } from "vitest";
import type { ModelSignature, TensorInfo } from "../../kernel/ports/model-pools.ts";
import { presentOutputs } from "./predict-outputs.ts";

const model = (outputs: TensorInfo[], over: Partial<ModelSignature> = {}): ModelSignature => ({
  inputs: [],
  outputs,
  task: null,
  labels: null,
  features: null,
  layerCount: 0,
  ...over,
});

const probabilities: TensorInfo = { name: "probabilities", type: "float32", shape: ["n", 2] };
const label: TensorInfo = { name: "label", type: "int64", shape: ["n"] };
const floats = (shape: number[], ...values: number[]) => ({
  type: "float32" as const,
  shape,
  data: Float32Array.from(values),
});

describe("presentOutputs", () => {
  it("gives a classifier's rows, classes and probabilities, whichever order its outputs have", () => {
    const signature = model([label, probabilities], { task: "classification", labels: ["no", "yes"] });
    const outputs = {
      label: { type: "int64" as const, shape: [2], data: BigInt64Array.of(1n, 0n) },
      probabilities: floats([2, 2], 0.25, 0.75, 0.5, 0.5),
    };
    expect(presentOutputs(signature, outputs)).toEqual({
      predictions: [
        [0.25, 0.75],
        [0.5, 0.5],
      ],
      output_shape: [2, 2],
      model_loaded: true,
      labels: ["yes", "no"],
      probabilities: [
        { no: 0.25, yes: 0.75 },
        { no: 0.5, yes: 0.5 },
      ],
    });
  });

  it("does not pass logits off as probabilities, but names the class", () => {
    const signature = model([probabilities], { task: "classification", labels: ["no", "yes"] });
    const outputs = presentOutputs(signature, { probabilities: floats([1, 2], -3, 5) });
    expect(outputs).toMatchObject({ labels: ["yes"], predictions: [[-3, 5]] });
    expect(outputs).not.toHaveProperty("probabilities");
    expect(outputs).not.toHaveProperty("named");
  });

  it("reads a single sigmoid as the second of two classes", () => {
    const signature = model([{ name: "p", type: "float32", shape: ["n", 1] }], {
      task: "classification",
      labels: ["no", "yes"],
    });
    expect(presentOutputs(signature, { p: floats([2, 1], 0.25, 0.75) })).toMatchObject({
      labels: ["no", "yes"],
      probabilities: [
        { no: 0.75, yes: 0.25 },
        { no: 0.25, yes: 0.75 },
      ],
    });
  });

  it("gives a regression's values, one a row", () => {
    const signature = model([{ name: "prediction", type: "float32", shape: ["n"] }], { task: "regression" });
    expect(presentOutputs(signature, { prediction: floats([2], 1.5, Number.NaN) })).toEqual({
      predictions: [[1.5], ["NaN"]],
      output_shape: [2, 1],
      model_loaded: true,
    });
  });

  it("writes what JSON cannot: infinities by name, wide numbers as text, halves, booleans and texts", () => {
    const signature = model([
      { name: "f", type: "float64", shape: [3] },
      { name: "i", type: "int64", shape: [2] },
      { name: "h", type: "float16", shape: [1] },
      { name: "b", type: "bool", shape: [2] },
      { name: "s", type: "string", shape: [1] },
    ]);
    const outputs = presentOutputs(signature, {
      f: {
        type: "float64",
        shape: [3],
        data: Float64Array.of(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.1),
      },
      i: { type: "int64", shape: [2], data: BigInt64Array.of(5n, 2n ** 60n) },
      h: { type: "float16", shape: [1], data: Uint16Array.of(0x3e00) },
      b: { type: "bool", shape: [2], data: Uint8Array.of(0, 1) },
      s: { type: "string", shape: [1], data: ["hi"] },
    });
    expect(outputs.named).toEqual({
      f: ["Infinity", "-Infinity", 0.1],
      i: [5, "1152921504606846976"],
      h: [1.5],
      b: [false, true],
      s: ["hi"],
    });
  });

  it("keeps the shape of what is more than rows, and of scalars and empty results", () => {
    const signature = model([{ name: "y", type: "float32", shape: ["n", 2, 1] }]);
    expect(presentOutputs(signature, { y: floats([1, 2, 1], 1, 2) })).toMatchObject({
      predictions: [[[1], [2]]],
      output_shape: [1, 2, 1],
    });
    expect(presentOutputs(signature, { y: floats([], 4) })).toMatchObject({
      predictions: [[4]],
      output_shape: [1, 1],
    });
    expect(presentOutputs(signature, { y: floats([0, 2, 1]) })).toMatchObject({
      predictions: [],
      output_shape: [0, 2, 1],
    });
  });
});
