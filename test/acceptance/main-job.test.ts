import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { inject, expect, it } from "vitest";
import { newUser } from "../support/client.ts";
import { largestDifference, nativeProbabilities } from "../support/onnx.ts";
import { Watcher } from "../support/watcher.ts";

const IRIS = readFileSync("src/features/datasets/catalog/iris.csv");
const CONFIG = { epochs: 60, batch_size: 16, learning_rate: 0.01, optimizer: "adam", hidden: [16], seed: 1 };

it("goes from real data to a served prediction", async () => {
  const user = await newUser();
  const url = inject("url");

  const dataset = await user.post("/api/builtin-datasets/iris/prepare");
  expect(dataset).toMatchObject({
    status: 201,
    body: { num_samples: 150, num_features: 4, target_column: "species" },
  });
  const file = await user.get(`/api/datasets/${dataset.body.id}/download`);
  expect(createHash("sha256").update(file.body).digest("hex")).toBe(
    createHash("sha256").update(IRIS).digest("hex"),
  );

  const created = await user.post("/api/training/runs", {
    ...{ name: "iris-mlp", model_type: "mlp", dataset_id: dataset.body.id, model_name: "iris" },
    config: { ...CONFIG, note: "kept as it came" },
  });
  expect(created).toMatchObject({
    status: 201,
    body: { status: "pending", config: { note: "kept as it came" } },
  });
  const runId = created.body.id as string;
  const { ticket } = (await user.post(`/api/training/runs/${runId}/stream-ticket`)).body;
  const watcher = await Watcher.open(url, `/api/training/runs/${runId}/stream?ticket=${ticket}&since=0`);
  await watcher.until((w) => w.closed !== undefined, 60_000);
  expect(watcher.closed!.code).toBe(1000);
  expect(watcher.frames.at(-1)).toMatchObject({ type: "status", data: { status: "completed" } });

  const run = (await user.get(`/api/training/runs/${runId}`)).body;
  const points = (await user.get(`/api/training/runs/${runId}/metrics`)).body;
  expect(points).toHaveLength(CONFIG.epochs);
  expect(watcher.points).toEqual(points);
  expect(points.map((point: any) => point.epoch)).toEqual(
    Array.from({ length: CONFIG.epochs }, (_, i) => i + 1),
  );
  expect(points.at(-1).loss).toBeLessThan(points[0].loss / 5);
  expect(points.at(-1).accuracy).toBeGreaterThanOrEqual(0.9);
  const logged = watcher.frames.filter((frame) => frame.type === "log").map((frame) => frame.data.message);
  expect(
    (await user.get(`/api/training/runs/${runId}/logs`)).body.logs.map((line: any) => line.message),
  ).toEqual(logged);
  expect(logged[0]).toContain("150 rows");

  const { model_id: modelId, version, id: versionId } = run.registered_version;
  const registered = (await user.get(`/api/models/${modelId}/versions/${version}`)).body;
  expect(registered).toMatchObject({
    id: versionId,
    training_run_id: runId,
    metrics: { accuracy: points.at(-1).accuracy },
  });
  expect((await user.get(`/api/models/${modelId}`)).body).toMatchObject({
    name: "iris",
    version_count: 1,
    latest_version: 1,
  });
  const onnx = new Uint8Array(
    await (
      await fetch(`${url}/api/models/${modelId}/versions/${version}/download`, { headers: user.headers })
    ).arrayBuffer(),
  );
  expect(createHash("sha256").update(onnx).digest("hex")).toBe(registered.sha256);

  const name = `iris-${runId.slice(0, 8)}`;
  const endpoint = await user.post(`/api/models/${modelId}/versions/${version}/deploy`, { name });
  expect(endpoint).toMatchObject({
    status: 201,
    body: { name, status: "stopped", model_version_id: versionId },
  });
  const predict = (inputs: unknown) => user.post(`/api/inference/predict/${name}`, { inputs });
  expect((await predict([5.1, 3.5, 1.4, 0.2])).status).toBe(409);
  const started = await user.post(`/api/inference/endpoints/${endpoint.body.id}/start`);
  expect(started).toMatchObject({ status: 200, body: { status: "running" } });

  const features = run.result.features.map((feature: any) => feature.name) as string[];
  const holdout = run.result.holdout as { inputs: Record<string, number>; truth: string }[];
  const rows = holdout.map(({ inputs }) => features.map((feature) => inputs[feature]!));
  const many = await predict(rows);
  expect(many).toMatchObject({
    status: 200,
    body: { model_version: "v1", outputs: { output_shape: [20, 3] } },
  });
  expect(
    largestDifference(many.body.outputs.predictions, await nativeProbabilities(onnx, rows)),
  ).toBeLessThan(1e-5);
  const right = holdout.filter(({ truth }, i) => many.body.outputs.labels[i] === truth).length;
  expect(right).toBeGreaterThanOrEqual(18);
  expect(many.body.outputs.probabilities[0]).toHaveProperty("setosa");

  const alike = [rows[0], [rows[0]], [holdout[0]!.inputs], { features: [rows[0]] }];
  for (const inputs of alike) {
    expect((await predict(inputs)).body.outputs.predictions[0]).toEqual(many.body.outputs.predictions[0]);
  }

  const [live] = (await user.get(`/api/inference/endpoints/${endpoint.body.id}/metrics`)).body;
  expect(live).toMatchObject({ requests_total: 5, requests_success: 5, requests_error: 0, error_rate: 0 });
  expect(live.latency_histogram.at(-1)).toEqual({ le: "+Inf", count: 5 });
  const info = (await user.get(`/api/inference/endpoints/${endpoint.body.id}/info`)).body;
  expect(JSON.stringify(info)).not.toContain(`models/${modelId}`);

  expect((await user.delete(`/api/models/${modelId}`)).status).toBe(409);
  expect((await user.post(`/api/inference/endpoints/${endpoint.body.id}/stop`)).body.status).toBe("stopped");
  expect((await predict(rows[0])).status).toBe(409);
  expect((await user.delete(`/api/inference/endpoints/${endpoint.body.id}`)).status).toBe(204);
  expect((await predict(rows[0])).status).toBe(404);
  expect((await user.delete(`/api/models/${modelId}`)).status).toBe(204);
  expect((await user.get(`/api/training/runs/${runId}`)).body).not.toHaveProperty("registered_version");
});
