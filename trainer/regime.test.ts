import { describe, expect, test } from "vitest";
import { catalogFile, lines, readResult, runTrainer, workplace, writeText } from "./test/harness.ts";

/**
 * Five-fold means that scikit-learn 1.9.1 reaches on the same files with MLPClassifier and MLPRegressor of the same
 * layers, epochs, batch size and rate (Adam, alpha 0, StandardScaler, OneHotEncoder, shuffled folds, seed 7). Folds
 * here leave the test rows out, so each network has a fifth fewer rows to learn from.
 */
const BELOW = 0.02;
/** The second number is what the network trained on all rows but the held-out ones reaches on those. */
const REFERENCE: [string, string, "accuracy" | "test_r2", number, number, Record<string, unknown>][] = [
  ["iris.csv", "species", "accuracy", 0.96, 0.85, {}],
  ["penguins.csv", "species", "accuracy", 0.9884, 0.95, {}],
  ["breast-cancer.csv", "diagnosis", "accuracy", 0.9754, 0.95, {}],
  ["digits.csv", "digit", "accuracy", 0.9738, 0.93, { hidden: [32], epochs: 15 }],
  ["wine-quality.csv", "quality", "accuracy", 0.5595, 0.53, { hidden: [32], epochs: 10, batch_size: 64 }],
  ["penguins.csv", "body_mass_g", "test_r2", 0.8486, 0.8, { epochs: 60 }],
  ["iris.csv", "petal_width", "test_r2", 0.9479, 0.9, { epochs: 60 }],
  ["wine-quality.csv", "alcohol", "test_r2", 0.8777, 0.83, { hidden: [32], epochs: 30, batch_size: 64 }],
];

describe("cross-validated, it is level with scikit-learn", () => {
  test.each(REFERENCE)("%s by %s: %s %d", async (file, target, figure, reference, heldOut, config) => {
    const task = figure === "accuracy" ? "classification" : "regression";
    const { job, output } = workplace(catalogFile(file), { ...config, target, task, k_folds: 5 });
    const { code, stdout } = await runTrainer(job);
    expect(code).toBe(0);
    const { k_fold: folds, train_rows: trainRows, metrics } = readResult(output);
    expect(folds.folds).toHaveLength(5);
    expect(folds.folds.reduce((sum: number, fold: any) => sum + fold.test_rows, 0)).toBe(trainRows);
    const values = folds.folds.map((fold: any) => fold[figure]);
    expect(folds.mean[figure]).toBeCloseTo(values.reduce((a: number, b: number) => a + b) / 5, 10);
    expect(stdout).toContain("cross-validated on 5 folds");
    expect(folds.mean[figure]).toBeGreaterThanOrEqual(reference - BELOW);
    expect(metrics[figure]).toBeGreaterThanOrEqual(heldOut);
  });
});

describe("early stopping", () => {
  const early = { patience: 5, min_delta: 0.0005 };

  test("ends a training that gets no better, and keeps the best network", async () => {
    const config = { epochs: 500, hidden: [64], early_stopping: early };
    const { job, output } = workplace(catalogFile("breast-cancer.csv"), config);
    const { code, metrics, stdout } = await runTrainer(job);
    expect(code).toBe(0);
    const all = lines(metrics);
    const { early_stopping: told, metrics: figures } = readResult(output);
    expect(all.length).toBeLessThan(500);
    expect(told).toMatchObject({ epochs_run: all.length, best_epoch: all.length - 5, stopped_early: true });
    const best = all[told.best_epoch - 1]!;
    expect(figures).toMatchObject({
      epoch: best.epoch,
      accuracy: best.accuracy,
      val_loss: best.custom.val_loss,
    });
    expect(best.custom.val_loss).toBeLessThan(all.at(-1)!.custom.val_loss + early.min_delta);
    expect(figures.accuracy).toBeGreaterThanOrEqual(0.94);
    expect(stdout).toContain(`stopped early after epoch ${all.length}`);
  });

  test("keeps the last network where that is wanted", async () => {
    const config = { epochs: 500, hidden: [64], early_stopping: { ...early, restore_best: false } };
    const { job, output } = workplace(catalogFile("breast-cancer.csv"), config);
    const all = lines((await runTrainer(job)).metrics);
    expect(readResult(output).metrics.epoch).toBe(all.length);
  });
});

test("balanced weights serve the rare class, and named ones are checked", async () => {
  // One row in twenty is rare, and the classes overlap: unweighted, the rare one is hardly ever said.
  const random = (seed: number) => () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const next = random(11);
  const rows = Array.from({ length: 2_000 }, (_, at) => {
    const isRare = at % 20 === 0;
    return `${(next() + next() + next() + (isRare ? 0.8 : 0)).toFixed(4)},${isRare ? "rare" : "common"}`;
  });
  const data = writeText(`x,class\n${rows.join("\n")}\n`);
  const balanced = async (class_weights: unknown) => {
    const { job, output } = workplace(data, { epochs: 15, class_weights });
    expect((await runTrainer(job)).code).toBe(0);
    return readResult(output).metrics.balanced_accuracy as number;
  };
  const [plain, weighted, given] = [
    await balanced({ common: 1 }),
    await balanced("balanced"),
    await balanced({ rare: 19 }),
  ];
  expect(weighted).toBeGreaterThan(plain + 0.15);
  expect(given).toBeGreaterThan(plain + 0.15);
  const wrong = workplace(data, { class_weights: { unheard: 2 } });
  expect(await runTrainer(wrong.job)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('"unheard"'),
  });
  const number = workplace(catalogFile("penguins.csv"), { target: "body_mass_g", class_weights: "balanced" });
  expect(await runTrainer(number.job)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("classification"),
  });
});

test("a schedule is followed, and said with every point", async () => {
  const lr_schedule = { type: "cosine", warmup_epochs: 2 };
  const { job, output } = workplace(catalogFile("digits.csv"), { epochs: 12, hidden: [32], lr_schedule });
  const all = lines((await runTrainer(job)).metrics);
  expect(all[0]!.lr).toBeCloseTo(0.01 / 3, 10);
  expect(all[2]!.lr).toBe(0.01);
  expect(all.at(-1)!.lr).toBeCloseTo(0, 10);
  expect(readResult(output).metrics.accuracy).toBeGreaterThanOrEqual(0.95);
});

test.each([
  [{ k_folds: 1 }, "config.k_folds"],
  [{ k_folds: 21 }, "config.k_folds"],
  [{ early_stopping: {} }, "config.early_stopping.patience"],
  [{ early_stopping: { patience: 1, validation_fraction: 1 } }, "validation_fraction"],
  [{ early_stopping: { patience: 1, restore_best: 1 } }, "restore_best"],
  [{ lr_schedule: { type: "wild" } }, "config.lr_schedule.type"],
  [{ lr_schedule: { type: "step", gamma: 2 } }, "config.lr_schedule.gamma"],
  [{ class_weights: { a: -1 } }, "config.class_weights.a"],
  [{ class_weights: 5 }, "config.class_weights"],
])("%j is refused by name", async (config, message) => {
  const { job } = workplace(catalogFile("iris.csv"), config);
  expect(await runTrainer(job)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
});

test("folds and the rows that are watched must have enough in them", async () => {
  const data = writeText(`x,y\n${Array.from({ length: 12 }, (_, row) => `${row},${row % 2}`).join("\n")}\n`);
  const { job } = workplace(data, { k_folds: 20 });
  expect(await runTrainer(job)).toMatchObject({ code: 2, stderr: expect.stringContaining("20 folds") });
});
