import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { beforeAll, describe, expect, it } from "vitest";
import { anonymous, newUser, until, type User } from "./support/client.ts";
import { expectStatus } from "./support/refusal.ts";

const FIXTURES = "test/fixtures/formats";
const forest = new Uint8Array(readFileSync(`${FIXTURES}/forest.onnx`));
const told = JSON.parse(readFileSync(`${FIXTURES}/forest.json`, "utf8"));

let user: User;
/** A classifier of scikit-learn's that takes `X` and gives a text and a row of numbers. */
const name = `forest-${randomUUID()}`;
const path = `/v2/models/${name}`;
let endpoint: string;

beforeAll(async () => {
  user = await newUser();
  const model = (await user.post("/api/models", { name: "forest", model_type: "forest" })).body;
  const binary = { headers: { "content-type": "application/octet-stream" } };
  await user.put(`/api/models/${model.id}/versions?filename=forest.onnx`, forest, binary);
  const wish = { target_format: "onnx", optimize: true };
  const { version } = (await user.post(`/api/models/${model.id}/versions/1/convert`, wish)).body;
  const made = await user.post("/api/inference/endpoints", { name, model_version_id: version.id });
  endpoint = `/api/inference/endpoints/${made.body.id}`;
  await user.post(`${endpoint}/start`);
  await until(
    () => user.get(`${path}/ready`),
    ({ status }) => status === 200,
  );
});

const X = (rows: number[][], data: unknown = rows.flat()) => ({
  ...{ name: "X", shape: [rows.length, 4], datatype: "FP32", data },
});
const infer = (body: Record<string, unknown>, who = user) => who.post(`${path}/infer`, body);

describe("the server", () => {
  it("says what it is, that it lives and that it is ready, to anybody", async () => {
    const nobody = anonymous(user.url);
    expect((await nobody.get("/v2")).body).toMatchObject({ name: "myelin", extensions: [] });
    expect((await nobody.get("/v2/health/live")).body).toEqual({ live: true });
    expect((await nobody.get("/v2/health/ready")).body).toEqual({ ready: true });
    expect((await nobody.get(path)).status).toBe(401);
  });
});

describe("a model", () => {
  it("says what it takes and gives", async () => {
    const expected = {
      ...{ name, versions: ["2"], platform: "onnxruntime_onnx" },
      inputs: [{ name: "X", datatype: "FP32", shape: [-1, 4] }],
      outputs: [
        { name: "output_label", datatype: "BYTES", shape: [-1] },
        { name: "output_probability", datatype: "FP32", shape: [-1, 3] },
      ],
    };
    expect((await user.get(path)).body).toEqual(expected);
    expect((await user.get(`${path}/versions/2`)).body).toEqual(expected);
    expect((await user.get(`${path}/versions/1`)).status).toBe(404);
    expect((await user.get(`${path}/versions/2/ready`)).body).toEqual({ name, ready: true });
  });

  it.each([
    ["flat", told.rows.flat()],
    ["nested", told.rows],
  ])("answers with the numbers of onnxruntime itself, its data %s", async (_, data) => {
    const { status, body } = await infer({ id: "call-1", inputs: [X(told.rows, data)] });
    expect(status).toBe(200);
    expect(body).toMatchObject({ model_name: name, model_version: "2", id: "call-1" });
    const [label, probability] = body.outputs;
    const session = await InferenceSession.create(forest, { logSeverityLevel: 4 });
    const rows = new Tensor("float32", Float32Array.from(told.rows.flat()), [told.rows.length, 4]);
    const native = await session.run({ X: rows }, ["output_label"]);
    expect(label).toMatchObject({ datatype: "BYTES", shape: [told.rows.length] });
    expect(label.data).toEqual([...(native["output_label"]!.data as unknown as string[])]);
    expect(probability.shape).toEqual([told.rows.length, 3]);
    probability.data.forEach((value: number, i: number) =>
      expect(value).toBeCloseTo(told.probabilities.flat()[i], 5),
    );
  });

  it("answers with the outputs that are wanted, in that order", async () => {
    const outputs = [{ name: "output_probability" }];
    const { body } = await infer({ inputs: [X([[5, 3, 1, 0]])], outputs });
    expect(body.outputs.map((output: any) => output.name)).toEqual(["output_probability"]);
    expect(body).not.toHaveProperty("id");
  });

  const row = [[5, 3, 1, 0]];
  it.each<[string, Record<string, unknown>]>([
    ["without inputs", {}],
    ["with no input", { inputs: [] }],
    ["with an input it does not have", { inputs: [{ ...X(row), name: "Y" }] }],
    ["with an input twice", { inputs: [X(row), X(row)] }],
    ["of another type", { inputs: [{ ...X(row), datatype: "FP64" }] }],
    ["of another shape", { inputs: [{ ...X(row), shape: [1, 3] }] }],
    ["of a shape that is none", { inputs: [{ ...X(row), shape: [-1, 4] }] }],
    ["without a shape", { inputs: [{ ...X(row), shape: undefined }] }],
    ["with too little data", { inputs: [X(row, [1, 2, 3])] }],
    ["with data that is no number", { inputs: [X(row, ["a", 2, 3, 4])] }],
    ["with no data", { inputs: [X(row, null)] }],
    ["with nonsense", { inputs: [5] }],
    ["for an output it does not have", { inputs: [X(row)], outputs: [{ name: "z" }] }],
  ])("refuses a call %s", async (_, body) => {
    const answer = await infer(body);
    expectStatus(answer, "infer", 422);
    expect(answer.body.code).toMatch(/^(INVALID_INPUT|VALIDATION_FAILED)$/);
  });

  it("takes JSON from clients that do not call it that, and says that it knows no binary tensors", async () => {
    const body = JSON.stringify({ inputs: [X(row)] });
    const send = (headers: Record<string, string>) =>
      fetch(`${user.url}${path}/infer`, {
        ...{ method: "POST", body: new TextEncoder().encode(body) },
        headers: { authorization: `Bearer ${user.accessToken}`, ...headers },
      });
    expect((await send({})).status).toBe(200);
    expect((await send({ "content-type": "application/octet-stream" })).status).toBe(200);
    const binary = await send({ "inference-header-content-length": "20" });
    expect([binary.status, ((await binary.json()) as any).code]).toEqual([501, "BINARY_TENSORS"]);
  });

  it("is there for its owner alone", async () => {
    const other = await newUser();
    for (const answer of [
      await other.get(path),
      await other.get(`${path}/ready`),
      await infer({ inputs: [X(row)] }, other),
    ])
      expect(answer.status).toBe(404);
  });

  it("that is stopped is not ready", async () => {
    await user.post(`${endpoint}/stop`);
    const { status, body } = await user.get(`${path}/ready`);
    expect([status, body.code]).toEqual([409, "ENDPOINT_NOT_RUNNING"]);
    expect((await infer({ inputs: [X(row)] })).body.code).toBe("ENDPOINT_NOT_RUNNING");
  });
});
