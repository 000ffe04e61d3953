import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { type Client, EXTERNAL_RUN, newUser, until, type User } from "../support/client.ts";
import { Command } from "../support/command.ts";

const dataDir = mkdtempSync(join(tmpdir(), "myelin-kill-"));
const CONFIG = { epochs: 90, batch_size: 8, learning_rate: 0.003, hidden: [96], seed: 5 };
let port: number;
let platform: Command;

const start = () =>
  Command.start("local/start.ts", ["--port", String(port), "--data-dir", dataDir], {
    LOG_LEVEL: "warn",
    LEASE_SECONDS: "20",
  });

beforeAll(async () => {
  port = await freePort();
  platform = await start();
});
afterAll(async () => {
  await platform.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const pause = () => new Promise((resolve) => setTimeout(resolve, 50));

/** Repeats a call until it is answered, as a client with an idempotency key may. */
async function insist<T>(call: () => Promise<{ status: number; body: T }>): Promise<T> {
  for (;;) {
    try {
      const { status, body } = await call();
      if (status < 500) {
        expect(status).toBeLessThan(300);
        return body;
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    await pause();
  }
}

/** Reports steps and log lines until told to stop; every one of them is acknowledged before the next. */
function keepReporting(user: Client, run: string) {
  let stopped = false;
  const done = (async () => {
    for (let step = 0; ; step++) {
      if (stopped) return step;
      const headers = { "idempotency-key": `step-${step}` };
      const point = { epoch: 0, step, loss: step };
      await insist(() => user.post(`/api/training/runs/${run}/metrics`, point, { headers }));
      await insist(() =>
        user.post(`/api/training/runs/${run}/logs`, { message: `step ${step}` }, { headers }),
      );
      await pause();
    }
  })();
  return { stop: () => ((stopped = true), done) };
}

/** Uploads one version after the other; remembers those that were acknowledged. */
function keepUploading(user: Client, modelId: string) {
  const state = { stopped: false };
  const acknowledged = new Map<number, string>();
  const done = (async () => {
    while (!state.stopped) {
      const bytes = randomBytes(200_000);
      try {
        const { status, body } = await user.put(`/api/models/${modelId}/versions`, new Uint8Array(bytes), {
          headers: { "content-type": "application/octet-stream" },
        });
        if (status === 201) acknowledged.set(body.version, createHash("sha256").update(bytes).digest("hex"));
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  return { acknowledged, stop: () => ((state.stopped = true), done) };
}

async function train(user: User): Promise<string> {
  const dataset = (await user.post("/api/builtin-datasets/digits/prepare")).body.id;
  const run = { name: "digits", model_type: "mlp", dataset_id: dataset, config: CONFIG };
  return (await user.post("/api/training/runs", run)).body.id;
}

const epochsOf = async (user: User, run: string) =>
  (await user.get(`/api/training/runs/${run}/metrics`)).body;
const withoutTime = (points: any[]) =>
  points.map((point) => ({ ...point, timestamp: undefined, seq: undefined }));
const statusOf = (user: User, run: string) => user.get(`/api/training/runs/${run}`);

async function finished(user: User, run: string) {
  const ended = await until(
    () => statusOf(user, run),
    ({ body }) => !["pending", "running"].includes(body.status),
    { withinMs: 90_000 },
  );
  expect(ended.body).toMatchObject({ status: "completed" });
  return ended.body;
}

it(
  "loses and doubles nothing when agent and platform are killed with -9 halfway",
  { timeout: 180_000 },
  async () => {
    const url = `http://127.0.0.1:${port}`;
    const user = await newUser(url);

    const served = await train(user);
    const { registered_version: first } = await finished(user, served);
    const endpoint = `/api/models/${first.model_id}/versions/${first.version}/deploy`;
    expect((await user.post(endpoint, { name: "digits", start: true })).body.status).toBe("running");

    const model = (await user.post("/api/models", { name: "uploads", model_type: "blob" })).body.id;
    const external = (await user.post("/api/training/runs", EXTERNAL_RUN)).body.id;
    const reports = keepReporting(user, external);
    const uploads = keepUploading(user, model);
    const run = await train(user);

    const reached = (epochs: number) =>
      until(
        () => epochsOf(user, run),
        (points) => points.length >= epochs,
      );
    await reached(10);
    const [agent] = platform.find("agent/main.ts");
    process.kill(agent!, "SIGKILL");
    const [next] = await until(
      async () => platform.find("agent/main.ts"),
      (pids) => pids.length > 0 && pids[0] !== agent,
    );
    expect(next).not.toBe(agent);
    await until(
      () => epochsOf(user, run),
      (points) => points.length >= 20,
      { withinMs: 40_000 },
    );
    expect((await statusOf(user, run)).body.status).toBe("running");
    await platform.killHard();
    platform = await start();

    const ended = await finished(user, run);
    const steps = await reports.stop();
    await uploads.stop();

    // The training goes on where it was: the same points as a training nobody disturbed, each once.
    const points = withoutTime(await epochsOf(user, run));
    expect(points.map(({ epoch }) => epoch)).toEqual(Array.from({ length: CONFIG.epochs }, (_, i) => i + 1));
    expect(points).toEqual(withoutTime(await epochsOf(user, served)));
    const lines = async (id: string) =>
      (await user.get(`/api/training/runs/${id}/logs?limit=10000`)).body.logs.length;
    expect(await lines(run)).toBe(await lines(served));
    expect(ended.registered_version.version).toBe(2);
    const versions = (await user.get(`/api/models/${first.model_id}/versions`)).body;
    expect(versions.map((version: any) => version.training_run_id)).toEqual([run, served]);
    expect(versions[0].sha256).toBe(versions[1].sha256);

    // Everything another program was told is stored is there, once.
    const reported = (await user.get(`/api/training/runs/${external}/metrics`)).body;
    expect(reported.map(({ step }: any) => step)).toEqual(Array.from({ length: steps }, (_, i) => i));
    const { logs } = (await user.get(`/api/training/runs/${external}/logs?limit=10000`)).body;
    expect(logs.map(({ message }: any) => message)).toEqual(
      Array.from({ length: steps }, (_, i) => `step ${i}`),
    );
    expect(steps).toBeGreaterThan(20);

    // Acknowledged uploads are whole; none that was cut off has become a version.
    expect(uploads.acknowledged.size).toBeGreaterThan(5);
    for (const [version, sha256] of uploads.acknowledged) {
      expect((await user.get(`/api/models/${model}/versions/${version}`)).body).toMatchObject({
        sha256,
        file_size: 200_000,
      });
    }
    const all = (await user.get(`/api/models/${model}/versions?limit=1000`)).body;
    expect(all.every((version: any) => version.file_size === 200_000)).toBe(true);

    // The endpoint that was running serves again by itself.
    const prediction = await user.post("/api/inference/predict/digits", { inputs: Array(64).fill(0) });
    expect(prediction).toMatchObject({ status: 200, body: { outputs: { labels: [expect.any(String)] } } });
  },
);
