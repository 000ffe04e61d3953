import { expect, test } from "vitest";
import type { Inputs } from "./encoder.ts";
import { createNetwork, createWorkspace, forward, initialise } from "./network.ts";
import { createObjective, emptySums, type Objective } from "./objective.ts";
import { createOptimizer } from "./optimizer.ts";
import { createRandom } from "./random.ts";
import { gradientSlice } from "./train.ts";

const ROWS = Int32Array.from({ length: 12 }, (_, row) => row);
const NUMERIC = 5;
const WIDTH = NUMERIC + 3 + 2;
const STEP = 2e-3;

/** Twelve rows with five numbers and two one-hot blocks (of 3 and 2), some of them empty. */
function randomInputs(): Inputs {
  const random = createRandom(5, "inputs");
  return {
    rows: ROWS.length,
    numeric: Float32Array.from({ length: ROWS.length * NUMERIC }, () => random.symmetric(2)),
    active: Int32Array.from({ length: ROWS.length * 2 }, (_, at) => {
      const code = random.below(at % 2 === 0 ? 4 : 3) - 1;
      return code < 0 ? -1 : NUMERIC + (at % 2 === 0 ? 0 : 3) + code;
    }),
  };
}

const classes = createObjective(
  {
    task: "classification",
    name: "y",
    rows: ROWS,
    classes: ["a", "b", "c"],
    labels: ROWS.map((row) => row % 3),
  },
  ROWS,
);

const numbers = createObjective(
  { task: "regression", name: "y", rows: ROWS, values: Float64Array.from(ROWS, (row) => Math.sin(row) * 50) },
  ROWS,
);

function setUp(objective: Objective, hidden: number[]) {
  const sizes = [WIDTH, ...hidden, objective.outputs];
  const network = createNetwork(sizes);
  initialise(network, NUMERIC + 2, createRandom(9, "weights"));
  return {
    training: { network, workspace: createWorkspace(network), inputs: randomInputs(), objective },
    gradient: createNetwork(sizes),
  };
}

function meanLoss({ training }: ReturnType<typeof setUp>): number {
  const { network, workspace, inputs, objective } = training;
  const sums = emptySums();
  for (const row of ROWS) objective.add(sums, forward(network, workspace, inputs, row), row);
  return sums.loss / ROWS.length;
}

/** Which hidden units are on, row by row: where this changes, the loss has a kink and no slope to compare with. */
function hiddenPattern({ training }: ReturnType<typeof setUp>): string {
  const { network, workspace, inputs } = training;
  const rows = [...ROWS].map((row) => {
    forward(network, workspace, inputs, row);
    return workspace.outputs.slice(0, -1).map((output) => output.map((value) => Number(value > 0)).join(""));
  });
  return rows.join();
}

test.each([
  ["softmax regression", classes, []],
  ["linear regression", numbers, []],
  ["classification with one hidden layer", classes, [6]],
  ["classification with three hidden layers", classes, [7, 6, 5]],
  ["regression with two hidden layers", numbers, [9, 4]],
])("the gradient of %s is that of finite differences", (_name, objective, hidden) => {
  const set = setUp(objective, hidden);
  const { parameters } = set.training.network;
  gradientSlice(set.training, set.gradient, ROWS, 1 / ROWS.length);
  const at = (index: number, value: number) => {
    parameters[index] = value;
    return { loss: meanLoss(set), pattern: hiddenPattern(set) };
  };
  let error = 0;
  let size = 0;
  let compared = 0;
  parameters.slice().forEach((value, index) => {
    const above = at(index, value + STEP);
    const below = at(index, value - STEP);
    at(index, value);
    if (above.pattern !== below.pattern) return;
    const slope = (above.loss - below.loss) / (2 * STEP);
    error += (slope - set.gradient.parameters[index]!) ** 2;
    size += slope ** 2;
    compared++;
  });
  expect(compared / parameters.length).toBeGreaterThan(0.8);
  expect(Math.sqrt(error / size)).toBeLessThan(1e-3);
});

test("a gradient step of the optimiser follows the published formulas", () => {
  const run = (optimizer: "sgd" | "adam") => {
    const parameters = Float32Array.of(1);
    const optimize = createOptimizer({ optimizer }, 1);
    optimize(parameters, Float32Array.of(0.5), 0.1);
    optimize(parameters, Float32Array.of(-1), 0.1);
    return parameters[0]!;
  };
  expect(run("sgd")).toBeCloseTo(1 - 0.1 * 0.5 - 0.1 * (0.9 * 0.5 - 1), 6);
  const mean = (0.9 * 0.1 * 0.5 - 0.1) / (1 - 0.9 ** 2);
  const square = (0.999 * 0.001 * 0.25 + 0.001) / (1 - 0.999 ** 2);
  expect(run("adam")).toBeCloseTo(1 - 0.1 - (0.1 * mean) / Math.sqrt(square), 6);
});

test("start values stay within the He and Glorot limits and differ", () => {
  const { training } = setUp(classes, [50]);
  const [first, last] = training.network.layers;
  const largest = (values: Float32Array) => Math.max(...values.map(Math.abs));
  expect(largest(first!.weights)).toBeLessThanOrEqual(Math.fround(Math.sqrt(6 / (NUMERIC + 2))));
  expect(largest(last!.weights)).toBeLessThanOrEqual(Math.fround(Math.sqrt(6 / 53)));
  expect(new Set(first!.weights).size).toBeGreaterThan(490);
  expect(first!.bias.every((value) => value === 0)).toBe(true);
});

test("a network that lost its numbers says so", () => {
  const set = setUp(classes, [6]);
  set.training.network.parameters.fill(NaN);
  expect(meanLoss(set)).toBeNaN();
});
