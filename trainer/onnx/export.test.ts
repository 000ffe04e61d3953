import * as native from "onnxruntime-node";
import * as web from "onnxruntime-web";
import { beforeAll, describe, expect, test } from "vitest";
import { readTable, type Table } from "../csv.ts";
import { encode } from "../encoder.ts";
import { parseJob } from "../job.ts";
import { METADATA_KEYS } from "../model-metadata.ts";
import { assembleModel, predict, type Model } from "../model.ts";
import { createPacer } from "../pacer.ts";
import { prepare } from "../prepare.ts";
import { catalogFile, CONFIG, writeText, type RawConfig } from "../test/harness.ts";
import { train } from "../train.ts";
import { exportOnnx } from "./export.ts";

const TOLERANCE = 1e-5;
const pacer = createPacer();

/** Either runtime; only what both have alike is used. */
type Runtime = Pick<typeof native, "InferenceSession" | "Tensor">;
const RUNTIMES: [string, Runtime][] = [
  ["onnxruntime-node", native],
  ["onnxruntime-web", web as unknown as Runtime],
];

beforeAll(() => {
  web.env.wasm.numThreads = 1;
});

async function trainModel(path: string, config: RawConfig): Promise<{ model: Model; table: Table }> {
  const job = parseJob({ data: path, output: "-", config: { ...CONFIG, ...config } });
  const table = await readTable(path);
  const prepared = await prepare(table, job.config, pacer);
  const { network } = await train(prepared, job.config, pacer, async () => {});
  return { model: assembleModel(prepared, network), table };
}

/** The first `count` rows with an unknown category and a missing number put in. */
function probes(model: Model, table: Table, count: number): Record<string, string[]> {
  const cells = Object.fromEntries(
    table.names.map((name, column) => [name, table.columns[column]!.slice(0, count)]),
  );
  const { numeric, categorical } = model.encoder;
  if (numeric[0]) cells[numeric[0].name]![count - 1] = "NA";
  if (categorical[0]) cells[categorical[0].name]![0] = "never seen";
  return cells;
}

function feeds({ Tensor }: Runtime, model: Model, cells: Record<string, string[]>, count: number) {
  const { numeric, categorical } = model.encoder;
  const all: Record<string, InstanceType<Runtime["Tensor"]>> = {};
  if (numeric.length > 0) {
    const values = numeric.map(({ name }) => cells[name]!.map((cell) => Number(cell === "" ? NaN : cell)));
    const rows = Array.from({ length: count }, (_, row) => values.map((column) => column[row]!));
    all.features = new Tensor("float32", Float32Array.from(rows.flat()), [count, numeric.length]);
  }
  for (const { name } of categorical) all[name] = new Tensor("string", cells[name]!, [count, 1]);
  return all;
}

/** What the trainer itself answers, in the shape of the model's outputs. */
async function ownAnswers(model: Model, cells: Record<string, string[]>, count: number) {
  const rows = Int32Array.from({ length: count }, (_, row) => row);
  const inputs = await encode(model.encoder, (name) => cells[name]!, rows, pacer);
  const predictions = [...rows].map((row) => predict(model, inputs, row));
  return {
    numbers: predictions.flatMap((answer) =>
      "value" in answer ? [answer.value] : [...answer.probabilities],
    ),
    labels: predictions.flatMap((answer) => ("label" in answer ? [answer.label] : [])),
  };
}

async function runtimeAnswers(runtime: Runtime, bytes: Uint8Array, feed: ReturnType<typeof feeds>) {
  const session = await runtime.InferenceSession.create(bytes);
  const outputs = await session.run(feed);
  const label = outputs.label;
  return {
    inputNames: [...session.inputNames],
    numbers: [...((outputs.probabilities ?? outputs.prediction)!.data as Float32Array)],
    labels: label ? [...(label.data as BigInt64Array)].map(Number) : [],
    dims: Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, [...tensor.dims]])),
  };
}

// Regression answers are in target units: float32 is exact to a part of the value, not to a part of 1.
function expectClose(actual: number[], expected: number[]): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, at) => {
    const allowed = TOLERANCE * Math.max(1, Math.abs(expected[at]!));
    expect(Math.abs(value - expected[at]!)).toBeLessThanOrEqual(allowed);
  });
}

const categoriesOnly = () =>
  writeText(
    `colour,"odd, ""name""",y\n${Array.from({ length: 60 }, (_, row) => `${["red", "grün"][row % 2]},${row % 3 ? "a" : "b"},${["p", "q", "r"][row % 3]}`).join("\n")}\n`,
  );

describe.each([
  ["classes from numbers and categories", () => catalogFile("penguins.csv"), { epochs: 5 }],
  [
    "a number from numbers and categories",
    () => catalogFile("penguins.csv"),
    { epochs: 5, target: "body_mass_g" },
  ],
  ["two classes", () => catalogFile("breast-cancer.csv"), { epochs: 2, hidden: [] }],
  ["classes with three hidden layers", () => catalogFile("digits.csv"), { epochs: 1, hidden: [24, 16, 12] }],
  [
    "a number without hidden layers",
    () => catalogFile("iris.csv"),
    { epochs: 5, hidden: [], target: "petal_width" },
  ],
  ["categories only", categoriesOnly, { epochs: 5 }],
])("a model of %s", (_name, path, config) => {
  let model: Model;
  let table: Table;
  let bytes: Uint8Array;
  beforeAll(async () => {
    ({ model, table } = await trainModel(path(), config));
    bytes = exportOnnx(model);
  });

  test.each([1, 32])(
    "gives the same answers here, in Node and in WebAssembly, for %i rows",
    async (count) => {
      const cells = probes(model, table, count);
      const own = await ownAnswers(model, cells, count);
      const [node, wasm] = await Promise.all(
        RUNTIMES.map(([, runtime]) => runtimeAnswers(runtime, bytes, feeds(runtime, model, cells, count))),
      );
      expectClose(node!.numbers, own.numbers);
      expectClose(wasm!.numbers, own.numbers);
      expectClose(wasm!.numbers, node!.numbers);
      expect(node!.labels).toEqual(own.labels);
      expect(wasm!.labels).toEqual(own.labels);
      const expected = model.classes
        ? { probabilities: [count, model.classes.length], label: [count] }
        : { prediction: [count, 1] };
      expect(node!.dims).toEqual(expected);
      expect(wasm!.dims).toEqual(expected);
    },
  );

  test("has one input for all numbers and one for each text column", async () => {
    const session = await native.InferenceSession.create(bytes);
    const numeric = model.encoder.numeric.length > 0 ? ["features"] : [];
    expect([...session.inputNames].sort()).toEqual(
      [...numeric, ...model.encoder.categorical.map(({ name }) => name)].sort(),
    );
  });
});

test("the model says what it is, in CSV column order", async () => {
  const { model } = await trainModel(catalogFile("penguins.csv"), { epochs: 1 });
  const text = Buffer.from(exportOnnx(model)).toString("utf8");
  const features = [
    { name: "island", kind: "categorical", categories: ["Biscoe", "Dream", "Torgersen"] },
    ...["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"].map((name) => ({
      name,
      kind: "numeric",
    })),
    { name: "sex", kind: "categorical", categories: ["female", "male"] },
    { name: "year", kind: "numeric" },
  ];
  expect(text).toContain(JSON.stringify(features));
  expect(text).toContain('["Adelie","Chinstrap","Gentoo"]');
  for (const key of Object.values(METADATA_KEYS)) expect(text).toContain(key);
  expect(text).toContain("myelin-trainer");
  expect(text).toContain("ai.onnx.ml");
});

test("asks for ai.onnx.ml only when there are categories", async () => {
  const { model } = await trainModel(catalogFile("iris.csv"), { epochs: 1 });
  expect(Buffer.from(exportOnnx(model)).toString("utf8")).not.toContain("ai.onnx.ml");
});

test.each(["features", "label", "probabilities", "prediction", "myelin/mean"])(
  "refuses a text column named %s, which the model needs itself",
  async (name) => {
    const rows = Array.from({ length: 40 }, (_, row) => `c${row % 3},${row % 2}`);
    const { model } = await trainModel(writeText(`${name},y\n${rows.join("\n")}\n`), { epochs: 1 });
    expect(() => exportOnnx(model)).toThrow("rename it");
  },
);
