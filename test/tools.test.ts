import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GGMLQuantizationType, gguf } from "@huggingface/gguf";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { beforeAll, describe, expect, it } from "vitest";
import { bytesSource } from "../src/kernel/formats/byte-source.ts";
import {
  encodeModel,
  floatTensor,
  intAttribute,
  node,
  valueInfo,
} from "../src/kernel/formats/onnx-encode.ts";
import { readModelFile } from "../src/kernel/formats/recognize.ts";
import { type Answer, newUser, newViewer, until, type User } from "./support/client.ts";
import { expectStatus } from "./support/refusal.ts";

const FIXTURES = "test/fixtures/formats";
const fixture = (name: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(`${FIXTURES}/${name}`));
const BINARY = { headers: { "content-type": "application/octet-stream" } };

let user: User;
let viewer: User;
beforeAll(async () => {
  [user, viewer] = await Promise.all([newUser(), newViewer()]);
});

interface Version {
  path: string;
  id: string;
  modelId: string;
}

async function upload(name: string, bytes = fixture(name), owner = user): Promise<Version> {
  const model = (
    await owner.post("/api/models", { name: `${name} ${crypto.randomUUID()}`, model_type: "mlp" })
  ).body;
  const versions = `/api/models/${model.id}/versions`;
  const { body, status } = await owner.put(`${versions}?filename=${name}`, bytes, BINARY);
  expect([status, body.code]).toEqual([201, undefined]);
  return { path: `${versions}/${body.version}`, id: body.id, modelId: model.id };
}

/** What a tool made, as the file it is and by what it says. */
async function make(
  version: Version,
  tool: string,
  wish: Record<string, unknown>,
): Promise<{ body: any; bytes: Uint8Array }> {
  const { status, body } = await user.post(`${version.path}/${tool}`, wish);
  expect([status, body.code, body.error]).toEqual([201, undefined, undefined]);
  const { id, version: number, model_id: modelId, sha256, file_size: size } = body.version;
  expect(body.version).toMatchObject({ parent_version_id: version.id, made_by: { tool } });
  expect(id).not.toBe(version.id);
  const response = await fetch(`${user.url}/api/models/${modelId}/versions/${number}/download`, {
    headers: { authorization: `Bearer ${user.accessToken}` },
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  expect([bytes.length, createHash("sha256").update(bytes).digest("hex")]).toEqual([size, sha256]);
  return { body, bytes };
}

/** A network of two layers, wide enough to be worth making smaller. */
function network(): Uint8Array<ArrayBuffer> {
  const noise = (seed: number, length: number) =>
    Array.from({ length }, (_, i) => Math.fround(Math.sin(i * 1.3 + seed) / 4));
  return encodeModel({
    ...{ irVersion: 8, producerName: "test", opsets: { "": 17 }, metadata: { task: "none" } },
    graph: {
      name: "g",
      nodes: [
        node("Gemm", ["x", "w1", "b1"], ["h"], [intAttribute("transB", 1)]),
        node("Relu", ["h"], ["r"]),
        node("MatMul", ["r", "w2"], ["y"]),
      ],
      initializers: [
        floatTensor("w1", [64, 8], noise(1, 512)),
        floatTensor("b1", [64], noise(2, 64)),
        floatTensor("w2", [64, 32], noise(3, 2048)),
      ],
      inputs: [valueInfo("x", "float", ["n", 8])],
      outputs: [valueInfo("y", "float", ["n", 32])],
    },
  }) as Uint8Array<ArrayBuffer>;
}

const ROWS = [
  [0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7, -0.8],
  [1, 1, 1, 1, -1, -1, -1, -1],
];

async function nativeOutput(bytes: Uint8Array, rows: number[][]): Promise<number[]> {
  const session = await InferenceSession.create(bytes);
  const input = new Tensor("float32", Float32Array.from(rows.flat()), [rows.length, rows[0]!.length]);
  const outputs = await session.run({ [session.inputNames[0]!]: input });
  return [...(outputs[session.outputNames[0]!]!.data as Float32Array)];
}

async function servedOutput(versionId: string, rows: number[][]): Promise<number[]> {
  const name = `tools-${crypto.randomUUID()}`;
  const { body } = await user.post("/api/inference/endpoints", { name, model_version_id: versionId });
  await user.post(`/api/inference/endpoints/${body.id}/start`);
  const predict = () => user.post(`/api/inference/predict/${name}`, { inputs: rows });
  const answer = await until(predict, ({ status }) => status === 200);
  await user.delete(`/api/inference/endpoints/${body.id}`);
  return answer.body.outputs.predictions.flat();
}

function expectRefusal(answer: Answer, code: string, status: number): void {
  expectStatus(answer, code, status);
  expect(answer.body.code).toBe(code);
}

const furthest = (a: number[], b: number[]) => Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

describe("inspecting a version", () => {
  it.each([
    ["state-dict.pt", "pytorch", 36, ["0.weight", "0.bias", "1.weight"]],
    ["stored.npz", "npz", 44, ["text", "objects", "weight"]],
    ["weights.safetensors", "safetensors", 9, undefined],
  ])("%s tells its tensors in the file's order", async (name, format, parameters, names) => {
    const { path } = await upload(name);
    const { status, body } = await user.get(`${path}/inspect`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ format, num_parameters: parameters, graph: null, layers_truncated: false });
    if (names) expect(body.layers.slice(0, 3).map((layer: any) => layer.name)).toEqual(names);
    expect(body.layers.map((layer: any) => layer.index)).toEqual(
      body.layers.map((_: unknown, i: number) => i),
    );
  });

  it("tells a module's kind, what it learns, and what it takes", async () => {
    const { body } = await user.get(`${(await upload("state-dict.pt")).path}/inspect`);
    const kinds = Object.fromEntries(
      body.layers.map((layer: any) => [layer.name, [layer.layer_type, layer.trainable]]),
    );
    expect(kinds).toMatchObject({
      "0.weight": ["Linear", true],
      "0.bias": ["Linear", true],
      "1.running_mean": ["BatchNorm", false],
    });
    expect(body).toMatchObject({
      num_layers: 3,
      trainable_params: 29,
      non_trainable_params: 7,
      num_tensors: 9,
    });
    expect(body.memory_by_dtype).toEqual({ F32: 35 * 4, I64: 8 });
    expect([body.memory_fp32, body.memory_fp16]).toEqual(["144.00 B", "72.00 B"]);
  });

  it("tells a graph's operators, edges and what uses its weights", async () => {
    const { body } = await user.get(`${(await upload("m.onnx", network())).path}/inspect`);
    expect(body).toMatchObject({
      ...{ format: "onnx", num_parameters: 2624, num_layers: 2, trainable_params: null },
      graph: {
        ...{ opsets: { "": 17 }, operators: { Gemm: 1, Relu: 1, MatMul: 1 }, producer: "test" },
        inputs: [{ name: "x", dtype: "F32", shape: ["n", 8] }],
      },
    });
    expect(body.layers.map((layer: any) => [layer.name, layer.layer_type])).toEqual([
      ["w1", "Gemm"],
      ["b1", "Gemm"],
      ["w2", "MatMul"],
    ]);
  });

  it("lists what a pickle would import without importing it, and says what it does not know", async () => {
    const evil = await user.get(`${(await upload("evil.pkl")).path}/inspect`);
    expect(evil.body).toMatchObject({
      format: "pickle",
      layers: [],
      metadata: { "pickle.imports": "posix.system" },
    });
    const text = await upload("notes.txt", new TextEncoder().encode("no model at all"));
    expect((await user.get(`${text.path}/inspect`)).body).toMatchObject({
      format: "unknown",
      num_parameters: 0,
    });
    expectRefusal(
      await user.post(`${text.path}/convert`, { target_format: "json" }),
      "MODEL_FORMAT_UNKNOWN",
      422,
    );
  });
});

describe("converting a version", () => {
  it("keeps every number on the way from PyTorch to safetensors, to JSON and back", async () => {
    const pytorch = await upload("state-dict.pt");
    const { body, bytes } = await make(pytorch, "convert", { target_format: "safetensors" });
    expect(body).toMatchObject({
      ...{ input_format: "pytorch", output_format: "safetensors", num_parameters: 36, warnings: [] },
      ...{ input_file: "state-dict.pt", output_file: "state-dict.safetensors" },
    });
    const made = { ...pytorch, id: body.version.id, path: `/api/models/${pytorch.modelId}/versions/2` };
    const json = await make(made, "convert", { target_format: "json" });
    expect(JSON.parse(Buffer.from(json.bytes).toString()).entries["0.weight"].data.shape).toEqual([3, 4]);
    const again = { ...made, id: json.body.version.id, path: `/api/models/${pytorch.modelId}/versions/3` };
    const back = await make(again, "convert", { target_format: "safetensors" });
    const tensorsOf = async (file: Uint8Array) =>
      (await readModelFile(bytesSource(file))).tensors
        .filter(({ dtype }) => dtype === "F32")
        .map(({ name }) => name);
    expect(await tensorsOf(back.bytes)).toEqual(expect.arrayContaining(await tensorsOf(bytes)));
    const half = await make(made, "convert", { target_format: "safetensors", precision: "fp16" });
    expect((await readModelFile(bytesSource(half.bytes))).tensors[0]).toMatchObject({ dtype: "F16" });
  });

  it("makes an ONNX graph of a network's weights, which serves what it computes", async () => {
    const entry = (shape: number[], values: number[]) => ({
      data: { shape, values },
      requires_grad: true,
      metadata: {},
    });
    const weights = [1, -1, 0.5, 2, 1, 0];
    const state = {
      entries: {
        "0.weight": entry([3, 2], weights),
        "0.bias": entry([3], [0, 0.5, -1]),
        "2.weight": entry([1, 3], [1, 2, 3]),
      },
      metadata: {},
    };
    const version = await upload("mlp.json", new TextEncoder().encode(JSON.stringify(state)));
    const { body, bytes } = await make(version, "convert", { target_format: "onnx" });
    expect(body.warnings).toEqual([expect.stringContaining("Relu")]);
    const expected = [
      [1, 2],
      [-1, 3],
    ].map(([a, b]) => {
      const hidden = [a! - b!, 0.5 * a! + 2 * b! + 0.5, a! - 1].map((value) => Math.max(0, value));
      return hidden[0]! + 2 * hidden[1]! + 3 * hidden[2]!;
    });
    const rows = [
      [1, 2],
      [-1, 3],
    ];
    expect(await nativeOutput(bytes, rows)).toEqual(expected);
    expect(await servedOutput(body.version.id, rows)).toEqual(expected);
    const odd = await upload("state-dict.pt");
    expectRefusal(
      await user.post(`${odd.path}/convert`, { target_format: "onnx" }),
      "MODEL_FILE_INVALID",
      422,
    );
  });

  it("makes a scikit-learn classifier servable: a ZipMap's answers become a tensor", async () => {
    const told = JSON.parse(readFileSync(`${FIXTURES}/forest.json`, "utf8"));
    const version = await upload("forest.onnx");
    const { body } = await make(version, "convert", { target_format: "onnx", optimize: true });
    expect(body.warnings).toEqual([]);
    const { body: inside } = await user.get(
      `/api/models/${version.modelId}/versions/${body.version.id}/inspect`,
    );
    expect(inside.graph.operators).not.toHaveProperty("ZipMap");
    expect(inside.metadata["myelin.labels"]).toBe(JSON.stringify(told.classes));
    const served = await servedOutput(body.version.id, told.rows);
    expect(furthest(served, told.probabilities.flat())).toBeLessThan(1e-5);
  });

  it("raises a graph to newer operators, and says which one is in the way", async () => {
    const version = await upload("forest.onnx");
    const { body } = await make(version, "convert", { target_format: "onnx", opset: 17 });
    const { body: inside } = await user.get(
      `/api/models/${version.modelId}/versions/${body.version.id}/inspect`,
    );
    expect(inside.graph.opsets[""]).toBe(17);
    const newer = await upload("m.onnx", network());
    const refused = await user.post(`${newer.path}/convert`, { target_format: "onnx", opset: 13 });
    expectRefusal(refused, "MODEL_FILE_INVALID", 422);
  });

  it.each([
    ["convert", { target_format: "axonml" }, "TARGET_NOT_SUPPORTED", 501],
    ["convert", { target_format: "../x" }, "TARGET_UNKNOWN", 422],
    ["convert", {}, "VALIDATION_FAILED", 422],
    ["quantize", { target_type: "Q3" }, "TARGET_UNKNOWN", 422],
    ["quantize", { target_type: "INT8_DYNAMIC" }, "TARGET_NOT_SUPPORTED", 501],
    ["export", { target: "torchscript" }, "TARGET_NOT_SUPPORTED", 501],
    ["export", { target: "a/b" }, "TARGET_UNKNOWN", 422],
  ])("%s %j is refused", async (tool, wish, code, status) => {
    const { path, modelId } = await upload("weights.safetensors");
    expectRefusal(await user.post(`${path}/${tool}`, wish), code, status);
    expect((await user.get(`/api/models/${modelId}/versions`)).body).toHaveLength(1);
  });

  it("is for whoever may write the model, and of the model's own versions only", async () => {
    const [mine, other] = [await upload("weights.safetensors"), await upload("weights.safetensors")];
    const wish = { target_format: "json" };
    const stranger = await newUser();
    const ask = async (who: User, path: string): Promise<Answer> => who.post(`${path}/convert`, wish);
    expect((await ask(stranger, mine.path)).status).toBe(404);
    expect((await stranger.get(`${mine.path}/inspect`)).status).toBe(404);
    expect((await ask(viewer, mine.path)).status).toBe(403);
    expect((await ask(user, `/api/models/${mine.modelId}/versions/${other.id}`)).status).toBe(404);
    expect((await ask(user, `/api/models/${mine.modelId}/versions/${mine.id}`)).status).toBe(201);
  });
});

describe("quantizing a version", () => {
  it.each([
    ["Q4_0", 18],
    ["q4_1", 20],
    ["Q5_0", 22],
    ["Q5_1", 24],
    ["int8", 34],
  ])(
    "%s writes GGUF whose blocks of 32 weights take %d bytes, as another reader finds them",
    async (type, blockBytes) => {
      const version = await upload("m.onnx", network());
      const { body, bytes } = await make(version, "quantize", { target_type: type });
      const name = type === "int8" ? "Q8_0" : type.toUpperCase();
      expect(body).toMatchObject({ target_type: name, source_type: "F32", num_parameters: 2624 });
      expect(body.compression_ratio).toBeCloseTo(body.input_size / body.output_size, 9);
      const folder = mkdtempSync(join(tmpdir(), "myelin-gguf-"));
      const path = join(folder, "m.gguf");
      writeFileSync(path, bytes);
      try {
        const { tensorInfos, metadata } = await gguf(path, { allowLocalFile: true });
        expect(metadata).toMatchObject({ version: 3, "general.quantization_version": 2 });
        const w2 = tensorInfos.find((tensor) => tensor.name === "w2")!;
        expect(GGMLQuantizationType[w2.dtype]).toBe(name);
        expect(w2.shape.map(Number)).toEqual([32, 64]);
        // Its rows of 8 are no whole blocks.
        expect(tensorInfos.find((tensor) => tensor.name === "w1")!.dtype).toBe(GGMLQuantizationType.F32);
      } finally {
        rmSync(folder, { recursive: true });
      }
      const { tensors } = await readModelFile(bytesSource(bytes));
      expect(tensors.find((tensor) => tensor.name === "w2")!.bytes).toBe((2048 / 32) * blockBytes);
    },
  );

  it.each([
    ["F16", 0.002, 0.65],
    ["INT8_WEIGHTS", 0.02, 0.55],
    ["INT8_DYNAMIC", 0.05, 0.6],
  ])("%s makes an ONNX graph that serves nearly the same numbers", async (type, tolerance, size) => {
    const whole = network();
    const version = await upload("m.onnx", whole);
    const { body, bytes } = await make(version, "quantize", { target_type: type });
    expect(bytes.length / whole.length).toBeLessThan(size);
    const [before, native, served] = [
      await nativeOutput(whole, ROWS),
      await nativeOutput(bytes, ROWS),
      await servedOutput(body.version.id, ROWS),
    ];
    expect(furthest(before, native)).toBeLessThan(tolerance);
    // Engines may fuse the widening of weights with the product, and then round elsewhere.
    expect(furthest(before, served)).toBeLessThan(tolerance);
  });

  it("says which of the types can be served here", async () => {
    const { types } = (await viewer.get("/api/tools/quantization-types")).body;
    expect(types.slice(0, 7).map(({ name, bits_per_weight: bits }: any) => [name, bits])).toEqual([
      ["Q4_0", 4.5],
      ["Q4_1", 5],
      ["Q5_0", 5.5],
      ["Q5_1", 6],
      ["Q8_0", 8.5],
      ["F16", 16],
      ["F32", 32],
    ]);
    expect(types.find(({ name }: any) => name === "Q4_0").servable).toBe(false);
    expect(types.find(({ name }: any) => name === "INT8_DYNAMIC").servable).toBe(true);
  });
});

it("exports a version for other programs, with what the file says of itself or without", async () => {
  const version = await upload("m.onnx", network());
  const { body, bytes } = await make(version, "export", { target: "safetensors" });
  expect(body).toMatchObject({ format: "SafeTensors", output_file: "m.export.safetensors" });
  expect(body.warnings).toEqual([expect.stringContaining("graph")]);
  expect((await readModelFile(bytesSource(bytes))).metadata).toEqual({ task: "none" });
  const bare = await make(version, "export", { target: "safetensors", include_metadata: false });
  expect((await readModelFile(bytesSource(bare.bytes))).metadata).toEqual({});
  const onnx = await make(version, "export", { target: "onnx" });
  expect(await nativeOutput(onnx.bytes, ROWS)).toEqual(await nativeOutput(network(), ROWS));
});
