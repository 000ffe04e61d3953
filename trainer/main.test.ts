import { once } from "node:events";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import {
  catalogFile,
  lines,
  readResult,
  runTrainer,
  startTrainer,
  workplace,
  writeText,
  type Trainer,
} from "./test/harness.ts";

/** Long enough to be stopped in the middle. */
const ENDLESS = { epochs: 10_000, hidden: [256, 256] };

/** The other files of the catalog are trained on where the folds are tested. */
describe("held-out quality on the shipped data", () => {
  test.each([
    ["iris.csv", 0.9, { seed: 1 }],
    ["iris.csv", 0.9, { optimizer: "sgd", hidden: [], epochs: 100 }],
  ])("%s is classified with an accuracy of %d or better", async (file, accuracy, config) => {
    const { job, output } = workplace(catalogFile(file), config);
    const { code, metrics } = await runTrainer(job);
    expect(code).toBe(0);
    expect(readResult(output).metrics.accuracy).toBeGreaterThanOrEqual(accuracy);
    expect(lines(metrics).at(-1)!.accuracy).toBe(readResult(output).metrics.accuracy);
  });

  test.each([
    ["penguins.csv", "body_mass_g", 0.8, { epochs: 60 }],
    ["iris.csv", "petal_width", 0.9, { hidden: [], optimizer: "sgd" }],
  ])("%s explains %s with an R² of %d or better", async (file, target, r2, config) => {
    const { job, output } = workplace(catalogFile(file), { ...config, target });
    const { code, metrics } = await runTrainer(job);
    expect(code).toBe(0);
    const result = readResult(output);
    expect(result.task).toBe("regression");
    expect(result.metrics.test_r2).toBeGreaterThanOrEqual(r2);
    const last = lines(metrics).at(-1)!;
    expect(last).not.toHaveProperty("accuracy");
    expect(last.custom).toEqual({
      test_loss: result.metrics.test_loss,
      test_rmse: result.metrics.test_rmse,
      test_r2: result.metrics.test_r2,
    });
  });
});

test("the same job gives the same metric lines and the same model, byte for byte", async () => {
  const runs = await Promise.all(
    [7, 7, 8].map(async (seed) => {
      const { job, output } = workplace(catalogFile("penguins.csv"), { seed });
      const { metrics } = await runTrainer(job);
      return { metrics, model: readFileSync(join(output, "model.onnx")), result: readResult(output) };
    }),
  );
  const [first, again, other] = runs as [(typeof runs)[0], (typeof runs)[0], (typeof runs)[0]];
  expect(again.metrics).toBe(first.metrics);
  expect(again.model.equals(first.model)).toBe(true);
  expect(again.result).toEqual(first.result);
  expect(other.metrics).not.toBe(first.metrics);
});

test("writes one metric line per epoch, a log and a result", async () => {
  const { job, output } = workplace(catalogFile("penguins.csv"), { epochs: 20, momentum: 1 });
  const { stdout, stderr, metrics } = await runTrainer(job);
  const all = lines(metrics);
  expect(all.map((line) => line.n)).toEqual([...Array(20).keys()]);
  expect(all.map((line) => line.epoch)).toEqual(all.map((line) => line.n + 1));
  expect(all.at(-1)).toMatchObject({ type: "metrics", lr: 0.01, step: 20 * Math.ceil(275 / 16) });
  expect(Object.keys(all[0]!.custom)).toEqual(["test_loss", "train_accuracy"]);
  expect(stderr).toBe("");
  expect(stdout).toContain("read 344 rows, 8 columns from penguins.csv");
  expect(stdout).toContain('"island" (3 values), "sex" (2 values)');
  expect(stdout).toContain("275 rows to train, 69 held out to test");
  expect(stdout).toContain("ignored settings that mean nothing here: momentum");
  expect(readdirSync(output).sort()).toEqual(["model.onnx", "result.json"]);
  const result = readResult(output);
  expect(result).toMatchObject({
    task: "classification",
    target: "species",
    classes: ["Adelie", "Chinstrap", "Gentoo"],
    rows: 344,
    train_rows: 275,
    test_rows: 69,
    dropped_rows: 0,
    parameters: 10 * 16 + 16 + 16 * 3 + 3,
  });
  expect(result.holdout.length).toBe(20);
  expect(Object.keys(result.holdout[0].inputs)).toEqual(result.features.map((feature: any) => feature.name));
  expect(new Set(result.holdout.map((row: any) => row.truth)).size).toBeGreaterThan(1);
});

test("a loss that is not finite is still reported, then ends the training", async () => {
  const config = { optimizer: "sgd", learning_rate: 1e30, hidden: [8, 8], epochs: 50 };
  const { job, output } = workplace(catalogFile("iris.csv"), config);
  const { code, stderr, metrics } = await runTrainer(job);
  expect(code).toBe(1);
  expect(stderr).toContain("training diverged in epoch");
  expect(["NaN", "Infinity"]).toContain(lines(metrics).at(-1)!.loss);
  expect(readdirSync(output)).toEqual([]);
});

describe("bad jobs and bad data end with code 2 and a message", () => {
  test.each([
    ["ragged rows", "a,b\n1,2\n3\n", {}, "line 3: 1 values, but the header has 2 columns"],
    ["hostile names", "__proto__,constructor\n1,2\n", {}, "one class only"],
    ["an unknown target", "a,b\n1,2\n", { target: "c" }, 'no column "c"'],
    ["a wrong config", "a,b\n1,2\n", { epochs: -1 }, "config.epochs must be a whole number"],
    ["a network too large", csvOf(40), { hidden: [4096, 4096] }, "parameters, more than 7500000"],
  ])("%s", async (_name, content, config, message) => {
    const { job, output } = workplace(writeText(content), config);
    const { code, stderr } = await runTrainer(job);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("    at ");
    expect(code).toBe(2);
    expect(readdirSync(output)).toEqual([]);
  });

  test("a missing output folder, an unreadable job and a missing argument", async () => {
    const { job, output } = workplace(writeText(csvOf(40)));
    rmSync(output, { recursive: true });
    expect((await runTrainer(job)).stderr).toContain("does not exist");
    writeFileSync(job, "{");
    const { code, stderr } = await runTrainer(job);
    expect(stderr).toContain("the job file cannot be read");
    expect(code).toBe(2);
  });
});

test("columns named like object internals are ordinary columns", async () => {
  const rows = Array.from({ length: 60 }, (_, row) => `${row % 2 ? "a" : "b"},${row},${row % 2}`);
  const { job, output } = workplace(writeText(`__proto__,constructor,y\n${rows.join("\n")}\n`));
  expect((await runTrainer(job)).code).toBe(0);
  expect(readFileSync(join(output, "result.json"), "utf8")).toContain('"__proto__": "a"');
});

test("SIGTERM ends the training with code 143 and leaves no files", async () => {
  const { job, output } = workplace(catalogFile("digits.csv"), ENDLESS);
  const child = startTrainer(job);
  await firstMetric(child);
  child.kill("SIGTERM");
  const [code] = await once(child, "exit");
  expect(code).toBe(143);
  expect(readdirSync(output)).toEqual([]);
});

test("a closed stdin ends the training only when it is told to exit with its parent", async () => {
  const { job, output } = workplace(catalogFile("digits.csv"), ENDLESS);
  const bound = startTrainer(job, { MYELIN_EXIT_WITH_PARENT: "1" });
  await firstMetric(bound);
  bound.stdin.end();
  const [[code], stderr] = await Promise.all([once(bound, "exit"), text(bound.stderr)]);
  expect(code).toBe(1);
  expect(stderr).toContain("the parent process is gone");
  expect(readdirSync(output)).toEqual([]);

  const short = workplace(catalogFile("iris.csv"), { epochs: 200 });
  const free = startTrainer(short.job);
  free.stdin.end();
  expect((await once(free, "exit"))[0]).toBe(0);
});

test("an open stdin does not keep a finished training alive", async () => {
  const { job } = workplace(catalogFile("iris.csv"));
  const child = startTrainer(job, { MYELIN_EXIT_WITH_PARENT: "1" });
  child.metrics.resume();
  expect((await once(child, "exit"))[0]).toBe(0);
});

test("waits for a slow reader of the metric lines instead of piling them up", async () => {
  const { job, output } = workplace(writeText(csvOf(20)), { epochs: 10_000, batch_size: 16, hidden: [] });
  const child = startTrainer(job);
  child.stdout.resume();
  await setTimeout(2000);
  expect(child.exitCode).toBe(null);
  expect(readdirSync(output)).toEqual([]);
  const [metrics] = await Promise.all([text(child.metrics), once(child, "exit")]);
  expect(child.exitCode).toBe(0);
  expect(lines(metrics).map((line) => line.n)).toEqual([...Array(10_000).keys()]);
});

test("ends with code 1 when the reader of the metric lines is gone", async () => {
  const { job, output } = workplace(catalogFile("digits.csv"), ENDLESS);
  const child = startTrainer(job);
  await firstMetric(child);
  child.metrics.destroy();
  const [[code], stderr] = await Promise.all([once(child, "exit"), text(child.stderr)]);
  expect(code).toBe(1);
  expect(stderr).toContain("EPIPE");
  expect(readdirSync(output)).toEqual([]);
});

test("trains without descriptor 3 and says so", async () => {
  const { job, output } = workplace(catalogFile("iris.csv"));
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const child = spawn(process.execPath, [main, job], { stdio: ["ignore", "pipe", "inherit"] });
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  expect(code).toBe(0);
  expect(stdout).toContain("file descriptor 3 is not open");
  expect(readdirSync(output).sort()).toEqual(["model.onnx", "result.json"]);
});

async function firstMetric(child: Trainer): Promise<void> {
  child.stdout.resume();
  await once(child.metrics, "data");
}

function csvOf(rows: number): string {
  return `x,y\n${Array.from({ length: rows }, (_, row) => `${row},${row % 2}`).join("\n")}\n`;
}
