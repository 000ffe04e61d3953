import { beforeAll, expect, it } from "vitest";
import { newRun, newUser, until, type User } from "./support/client.ts";

let user: User;
let dataset: string;
beforeAll(async () => {
  user = await newUser();
  dataset = (await user.post("/api/builtin-datasets/breast-cancer/prepare")).body.id;
});

const CONFIG = { epochs: 300, batch_size: 32, learning_rate: 0.01, hidden: [16], seed: 3 };
const OPTIONS = {
  early_stopping: { patience: 4 },
  class_weights: "balanced",
  k_folds: 3,
  lr_schedule: { type: "step", step_epochs: 5 },
};

it("stopping early, weights, folds and a schedule reach the trainer, and its figures come back", async () => {
  const id = await newRun(user, { dataset_id: dataset, config: { ...CONFIG, ...OPTIONS } });
  const { body: run } = await until(
    () => user.get(`/api/training/runs/${id}`),
    ({ body }) => ["completed", "failed"].includes(body.status),
    { withinMs: 28_000 },
  );
  expect(run).toMatchObject({
    status: "completed",
    config: {
      early_stopping: { patience: 4, min_delta: 0, restore_best: true, validation_fraction: 0.15 },
      lr_schedule: { type: "step", step_epochs: 5, gamma: 0.5, warmup_epochs: 0, min_lr: 0 },
    },
  });
  expect(run.result.early_stopping.stopped_early).toBe(true);
  expect(run.result.k_fold.folds).toHaveLength(3);
  // scikit-learn's five-fold mean is 0.9754; see trainer/regime.test.ts.
  expect(run.result.k_fold.mean.accuracy).toBeGreaterThanOrEqual(0.955);
  expect(run.result.metrics.balanced_accuracy).toBeGreaterThanOrEqual(0.93);
  const points = (await user.get(`/api/training/runs/${id}/metrics`)).body;
  expect(points).toHaveLength(run.result.early_stopping.epochs_run);
  expect(points[5]).toMatchObject({ lr: 0.005, custom: { val_loss: expect.any(Number) } });
});

it.each([
  ["early_stopping", { patience: 0 }],
  ["early_stopping", {}],
  ["early_stopping", { patience: 1, validation_fraction: 0.95 }],
  ["class_weights", "heavy"],
  ["class_weights", { a: 0 }],
  ["k_folds", 1],
  ["k_folds", 2.5],
  ["lr_schedule", { type: "wild" }],
  ["lr_schedule", { gamma: 0 }],
  ["lr_schedule", "cosine"],
])("%s: %j is refused by name", async (name, value) => {
  const run = { name: "r", model_type: "mlp", dataset_id: dataset, config: { ...CONFIG, [name]: value } };
  const { status, body } = await user.post("/api/training/runs", run);
  expect([status, body.details.fields[0].path]).toEqual([422, expect.stringMatching(`^config.${name}`)]);
});

it("a run without a config is refused by name, but for commands", async () => {
  const { status, body } = await user.post("/api/training/runs", { name: "r", model_type: "mlp" });
  expect([status, body.details.fields[0].path]).toEqual([422, "config"]);
});
