import { randomBytes } from "node:crypto";
import type { DemoApi } from "./demo-api.ts";

/** Tells the user what is going on: a step with its time, or the line that changes while one waits. */
export interface Teller {
  step<T>(what: string, work: () => Promise<{ result: T; note: string }>): Promise<T>;
  live(line: string): void;
}

export interface Prediction {
  inputs: Record<string, number>;
  truth: string;
  predicted: string;
  probability: number;
}

export interface DemoResult {
  endpoint: string;
  /** Column names in the order of a row. */
  features: string[];
  testRows: number;
  testAccuracy: number;
  predictions: Prediction[];
  p50Ms: number;
  p95Ms: number;
  calls: number;
}

interface Run {
  id: string;
  status: string;
  error_message?: string;
  registered_version?: { model_id: string; version: number };
  result?: {
    features: { name: string }[];
    test_rows: number;
    metrics: { accuracy: number };
    holdout: { inputs: Record<string, number>; truth: string }[];
  };
}

const CONFIG = { epochs: 60, batch_size: 16, learning_rate: 0.01, optimizer: "adam", hidden: [16], seed: 1 };
const CALLS = 200;

/** Real data to a served prediction, over HTTP and WebSocket as any user would. */
export async function runDemoJob(api: DemoApi, tell: Teller): Promise<DemoResult> {
  const suffix = randomBytes(4).toString("hex");
  await tell.step("Open an account and sign in", () => signIn(api, suffix));
  const datasetId = await tell.step("Prepare the iris data", () => prepare(api));
  const run = await tell.step("Train on the agent, watched live", () => train(api, datasetId, tell));
  const endpoint = `iris-${suffix}`;
  await tell.step("Deploy the registered model", () => deploy(api, run, endpoint));
  const predictions = await tell.step("Predict rows the model has not seen", () =>
    predictHoldout(api, run, endpoint),
  );
  const { p50Ms, p95Ms } = await tell.step(`Call it ${CALLS} times`, () => measure(api, run, endpoint));
  const { test_rows: testRows, metrics } = run.result!;
  const features = run.result!.features.map(({ name }) => name);
  return {
    endpoint,
    features,
    testRows,
    testAccuracy: metrics.accuracy,
    predictions,
    p50Ms,
    p95Ms,
    calls: CALLS,
  };
}

async function signIn(api: DemoApi, suffix: string) {
  const email = `demo-${suffix}@example.com`;
  const password = randomBytes(18).toString("base64url");
  await api.call("POST", "/api/auth/register", { email, name: "Demo", password });
  const { access_token } = await api.call<{ access_token: string }>("POST", "/api/auth/login", {
    email,
    password,
  });
  api.token = access_token;
  return { result: undefined, note: email };
}

async function prepare(api: DemoApi) {
  const dataset = await api.call<{
    id: string;
    num_samples: number;
    num_features: number;
    num_classes: number;
  }>("POST", "/api/builtin-datasets/iris/prepare");
  const { num_samples: rows, num_features: features, num_classes: classes } = dataset;
  return { result: dataset.id, note: `${rows} rows, ${features} features, ${classes} classes` };
}

async function train(api: DemoApi, datasetId: string, tell: Teller) {
  const body = {
    name: "iris-mlp",
    model_type: "mlp",
    model_name: "iris",
    dataset_id: datasetId,
    config: CONFIG,
  };
  const { id } = await api.call<Run>("POST", "/api/training/runs", body);
  const points = await watch(api, id, tell);
  const run = await api.call<Run>("GET", `/api/training/runs/${id}`);
  if (run.status !== "completed")
    throw new Error(`the run ended as ${run.status}: ${run.error_message ?? ""}`);
  const { version } = run.registered_version!;
  return { result: run, note: `${points} epochs streamed, registered as iris version ${version}` };
}

interface Frame {
  type: string;
  data: { points?: { epoch: number; loss: number; accuracy: number }[]; status?: string };
}

/** Follows the run's stream until its final status; returns how many points came. */
function watch(api: DemoApi, runId: string, tell: Teller): Promise<number> {
  const url = `${api.url.replace(/^http/, "ws")}/api/training/runs/${runId}/stream?since=0`;
  const socket = new WebSocket(url, ["myelin.stream", `bearer.${api.token}`]);
  let points = 0;
  return new Promise((resolve, reject) => {
    socket.addEventListener("error", () => reject(new Error("the stream broke")));
    socket.addEventListener("close", () => reject(new Error("the stream closed early")));
    socket.addEventListener("message", ({ data }) => {
      const frame = JSON.parse(String(data)) as Frame;
      points += frame.data.points?.length ?? 0;
      const last = frame.data.points?.at(-1);
      if (last)
        tell.live(`epoch ${last.epoch}  loss ${last.loss.toFixed(4)}  accuracy ${last.accuracy.toFixed(3)}`);
      if (frame.type !== "status" || frame.data.status === "running") return;
      resolve(points);
      socket.close();
    });
  });
}

async function deploy(api: DemoApi, run: Run, name: string) {
  const { model_id, version } = run.registered_version!;
  const path = `/api/models/${model_id}/versions/${version}/deploy`;
  const endpoint = await api.call<{ status: string }>("POST", path, { name, start: true });
  return { result: undefined, note: `endpoint ${name} is ${endpoint.status}` };
}

interface Answer {
  outputs: { labels: string[]; probabilities: Record<string, number>[] };
}

const rowOf = (run: Run, inputs: Record<string, number>) =>
  run.result!.features.map(({ name }) => inputs[name]!);

async function predictHoldout(api: DemoApi, run: Run, endpoint: string) {
  const { holdout } = run.result!;
  const inputs = holdout.map((row) => rowOf(run, row.inputs));
  const { outputs } = await api.call<Answer>("POST", `/api/inference/predict/${endpoint}`, { inputs });
  const result = holdout.map(({ inputs: row, truth }, i): Prediction => {
    const predicted = outputs.labels[i]!;
    return { inputs: row, truth, predicted, probability: outputs.probabilities[i]![predicted]! };
  });
  const right = result.filter(({ truth, predicted }) => truth === predicted).length;
  return { result, note: `${right} of ${result.length} right` };
}

async function measure(api: DemoApi, run: Run, endpoint: string) {
  const body = { inputs: rowOf(run, run.result!.holdout[0]!.inputs) };
  const times: number[] = [];
  for (let i = 0; i < CALLS; i++) {
    const started = performance.now();
    await api.call("POST", `/api/inference/predict/${endpoint}`, body);
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.ceil(share * times.length) - 1]!;
  const result = { p50Ms: at(0.5), p95Ms: at(0.95) };
  return { result, note: `p50 ${result.p50Ms.toFixed(1)} ms, p95 ${result.p95Ms.toFixed(1)} ms` };
}
