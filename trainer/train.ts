import type { Inputs } from "./encoder.ts";
import { DivergenceError, InputError } from "./errors.ts";
import type { Config } from "./job.ts";
import {
  backward,
  countParameters,
  createNetwork,
  createWorkspace,
  forward,
  initialise,
  type Network,
  type Workspace,
} from "./network.ts";
import { emptySums, type Objective, type Scores } from "./objective.ts";
import { createOptimizer } from "./optimizer.ts";
import type { Pacer } from "./pacer.ts";
import { Patience } from "./patience.ts";
import type { Prepared } from "./prepare.ts";
import { createRandom, shuffle } from "./random.ts";
import { rateAt } from "./schedule.ts";

/** 30 MB of float32: the largest model the platform serves. */
const MAX_PARAMETERS = 7_500_000;
/** Multiplications between two looks at the clock: a few milliseconds of work. */
const SLICE_WORK = 2_000_000;

export interface Epoch {
  epoch: number;
  /** Optimiser steps so far. */
  step: number;
  learningRate: number;
  train: Scores;
  test: Scores;
  /** Of the rows that decide when to stop. */
  validation?: Scores;
}

/** What came of a training: its network and the figures of that very network. */
export interface Trained {
  network: Network;
  epoch: Epoch;
  /** How many epochs were run, which may be more than the network has seen, and fewer than were asked for. */
  epochsRun: number;
}

interface Training {
  network: Network;
  workspace: Workspace;
  inputs: Inputs;
  objective: Objective;
  pacer: Pacer;
  rowsPerSlice: number;
}

/**
 * Trains for the configured epochs, or until it should stop early, and reports each; throws a DivergenceError after
 * reporting a loss that is not finite.
 */
export async function train(
  prepared: Prepared,
  config: Config,
  pacer: Pacer,
  report: (epoch: Epoch) => Promise<void>,
): Promise<Trained> {
  const { split } = prepared;
  const training = start(prepared, config, pacer);
  const fit = createFitter(training, config);
  const random = createRandom(config.seed, "batches");
  const order = split.train.slice();
  const patience = config.earlyStopping && new Patience(config.earlyStopping, training.network);
  let last: Epoch | undefined;
  for (let epoch = 1; epoch <= config.epochs; epoch++) {
    shuffle(order, random);
    const learningRate = rateAt(config, epoch);
    const step = await fit(order, learningRate);
    last = { epoch, step, learningRate, ...(await scoresOf(training, split)) };
    await report(last);
    checkFinite(last);
    if (patience?.isOver(last)) break;
  }
  return { network: training.network, epoch: patience?.settle() ?? last!, epochsRun: last!.epoch };
}

async function scoresOf(training: Training, { train, test, validation }: Prepared["split"]) {
  return {
    train: await evaluate(training, train),
    test: await evaluate(training, test),
    ...(validation && { validation: await evaluate(training, validation) }),
  };
}

function checkFinite({ epoch, train, test }: Epoch): void {
  if (!Number.isFinite(train.loss + test.loss))
    throw new DivergenceError(
      `training diverged in epoch ${epoch}: the loss is not finite (a lower learning_rate may help)`,
    );
}

function start({ encoder, objective, inputs }: Prepared, config: Config, pacer: Pacer): Training {
  const sizes = [encoder.width, ...config.hidden, objective.outputs];
  const parameters = countParameters(sizes);
  if (parameters > MAX_PARAMETERS)
    throw new InputError(`the network would have ${parameters} parameters, more than ${MAX_PARAMETERS}`);
  const network = createNetwork(sizes);
  initialise(network, encoder.features.length, createRandom(config.seed, "weights"));
  const rowsPerSlice = Math.max(1, Math.floor(SLICE_WORK / parameters));
  return { network, workspace: createWorkspace(network), inputs, objective, pacer, rowsPerSlice };
}

type Fitter = (order: Int32Array, learningRate: number) => Promise<number>;

/** Gives a function that goes through all rows once, in minibatches, and returns the number of steps so far. */
function createFitter(training: Training, config: Config): Fitter {
  const { network, pacer } = training;
  const sizes = [network.layers[0]!.inputs, ...network.layers.map((layer) => layer.outputs)];
  const gradient = createNetwork(sizes);
  const optimize = createOptimizer(config, network.parameters.length);
  let step = 0;
  return async (order, learningRate) => {
    for (let from = 0; from < order.length; from += config.batchSize) {
      const to = Math.min(from + config.batchSize, order.length);
      gradient.parameters.fill(0);
      await addGradient(training, gradient, order, from, to);
      optimize(network.parameters, gradient.parameters, learningRate);
      step++;
      if (pacer.due()) await pacer.rest();
    }
    return step;
  };
}

async function addGradient(
  training: Training,
  gradient: Network,
  order: Int32Array,
  from: number,
  to: number,
): Promise<void> {
  const { pacer, rowsPerSlice } = training;
  const weight = 1 / (to - from);
  for (let at = from; at < to; at += rowsPerSlice) {
    gradientSlice(training, gradient, order.subarray(at, Math.min(at + rowsPerSlice, to)), weight);
    if (pacer.due()) await pacer.rest();
  }
}

/** Adds the gradient of the rows' losses, each times `weight`, to `gradient`. */
export function gradientSlice(
  training: Pick<Training, "network" | "workspace" | "inputs" | "objective">,
  gradient: Network,
  rows: Int32Array,
  weight: number,
): void {
  const { network, workspace, inputs, objective } = training;
  const lastDelta = workspace.deltas[workspace.deltas.length - 1]!;
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at]!;
    objective.slope(forward(network, workspace, inputs, row), row, weight, lastDelta);
    backward(network, workspace, inputs, row, gradient);
  }
}

async function evaluate(training: Training, rows: Int32Array): Promise<Scores> {
  const { network, workspace, inputs, objective, pacer, rowsPerSlice } = training;
  const sums = emptySums();
  for (let from = 0; from < rows.length; from += rowsPerSlice) {
    const to = Math.min(from + rowsPerSlice, rows.length);
    for (let at = from; at < to; at++)
      objective.add(sums, forward(network, workspace, inputs, rows[at]!), rows[at]!);
    if (pacer.due()) await pacer.rest();
  }
  return objective.scores(sums, rows);
}
