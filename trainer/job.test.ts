import { expect, test } from "vitest";
import { parseJob } from "./job.ts";
import { CONFIG } from "./test/harness.ts";

const parse = (config: Record<string, unknown>) =>
  parseJob({ data: "a.csv", output: "out", config: { ...CONFIG, ...config } });

test("fills in the defaults", () => {
  const { config, ignored } = parse({});
  expect(config).toMatchObject({ testFraction: 0.2, target: undefined, task: undefined, hidden: [16] });
  expect(ignored).toEqual([]);
});

test("names settings it does not know", () => {
  expect(parse({ momentum: 0.5 }).ignored).toEqual(["momentum"]);
});

test.each([
  [{ epochs: 0 }, "config.epochs must be a whole number from 1 to 10000"],
  [{ epochs: 10_001 }, "config.epochs"],
  [{ epochs: 1.5 }, "config.epochs"],
  [{ batch_size: 0 }, "config.batch_size must be a whole number of at least 1"],
  [{ learning_rate: 0 }, "config.learning_rate must be a number above 0"],
  [{ learning_rate: "0.1" }, "config.learning_rate"],
  [{ optimizer: "adagrad" }, "config.optimizer must be one of sgd, adam"],
  [{ hidden: 16 }, "config.hidden must be an array of at most 8 layer sizes"],
  [{ hidden: [1, 2, 3, 4, 5, 6, 7, 8, 9] }, "config.hidden"],
  [{ hidden: [16, 0] }, "config.hidden[1] must be a whole number from 1 to 4096"],
  [{ seed: 0.5 }, "config.seed must be a whole number"],
  [{ test_fraction: 0.9 }, "config.test_fraction must be a number above 0 and below 0.9"],
  [{ target: "" }, "config.target must be a text, not empty"],
  [{ task: "ranking" }, "config.task must be one of classification, regression"],
])("refuses %j", (config, message) => {
  expect(() => parse(config)).toThrow(message);
});

test("refuses what is not a job at all", () => {
  expect(() => parseJob(null)).toThrow("the job must be an object");
  expect(() => parseJob({ data: "a.csv", output: "out" })).toThrow("config must be an object");
  expect(() => parseJob({ output: "out", config: CONFIG })).toThrow("data must be a text");
});
