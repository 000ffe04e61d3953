import { moments } from "./encoder.ts";
import type { ClassTarget, NumberTarget, Target } from "./target.ts";

/** Held-out quality, in the words of the metrics line. */
export interface Scores {
  loss: number;
  accuracy?: number;
  /** Mean share of each class that is hit; only where classes are weighted. */
  balancedAccuracy?: number;
  rmse?: number;
  r2?: number;
}

/** Sums over rows, filled by `Objective.add`. */
interface Sums {
  loss: number;
  hits: number;
  squares: number;
  /** Rows and hits by class. */
  byClass: { rows: number; hits: number }[];
}

/** What the network's outputs mean, how wrong they are, and which way is down. `row` is a position in the target. */
export interface Objective {
  outputs: number;
  /** Only for regression: the network's output times `std` plus `mean` is the prediction. */
  scale: { mean: number; std: number } | undefined;
  add(sums: Sums, outputs: Float32Array, row: number): void;
  /** Writes the gradient of the row's loss times `weight`. */
  slope(outputs: Float32Array, row: number, weight: number, into: Float32Array): void;
  scores(sums: Sums, rows: Int32Array): Scores;
}

export function emptySums(): Sums {
  return { loss: 0, hits: 0, squares: 0, byClass: [] };
}

/** `weights` say by class how much a row's slope counts; the figures are of the rows as they are. */
export function createObjective(target: Target, train: Int32Array, weights?: Float64Array): Objective {
  return target.task === "classification" ? crossEntropy(target, weights) : squaredError(target, train);
}

/** Softmax cross-entropy in nats; the outputs are logits. */
function crossEntropy({ classes, labels }: ClassTarget, weights: Float64Array | undefined): Objective {
  return {
    outputs: classes.length,
    scale: undefined,
    add(sums, logits, row) {
      const label = labels[row]!;
      const top = argMax(logits);
      const max = logits[top]!;
      let sum = 0;
      for (let at = 0; at < logits.length; at++) sum += Math.exp(logits[at]! - max);
      sums.loss += Math.log(sum) + max - logits[label]!;
      if (top === label) sums.hits++;
      const own = (sums.byClass[label] ??= { rows: 0, hits: 0 });
      own.rows++;
      if (top === label) own.hits++;
    },
    slope(logits, row, weight, into) {
      const label = labels[row]!;
      const scaled = weights ? weight * weights[label]! : weight;
      softmax(logits, into);
      into[label]! -= 1;
      for (let at = 0; at < into.length; at++) into[at]! *= scaled;
    },
    scores: ({ loss, hits, byClass }, rows) => ({
      loss: loss / rows.length,
      accuracy: hits / rows.length,
      ...(weights && { balancedAccuracy: meanRecall(byClass) }),
    }),
  };
}

function meanRecall(byClass: { rows: number; hits: number }[]): number {
  const seen = byClass.filter((one) => one !== undefined);
  return seen.reduce((sum, { rows, hits }) => sum + hits / rows, 0) / seen.length;
}

/** Mean squared error of the target standardised by the training rows. */
function squaredError({ values }: NumberTarget, train: Int32Array): Objective {
  const scale = moments(Float64Array.from(train, (row) => values[row]!));
  const standardised = Float32Array.from(values, (value) => (value - scale.mean) / scale.std);
  return {
    outputs: 1,
    scale,
    add(sums, outputs, row) {
      sums.loss += (outputs[0]! - standardised[row]!) ** 2;
      sums.squares += (predictValue(outputs[0]!, scale) - values[row]!) ** 2;
    },
    slope(outputs, row, weight, into) {
      into[0] = 2 * weight * (outputs[0]! - standardised[row]!);
    },
    scores: (sums, rows) => ({
      loss: sums.loss / rows.length,
      rmse: Math.sqrt(sums.squares / rows.length),
      r2: 1 - sums.squares / squaresAroundMean(values, rows),
    }),
  };
}

/** The prediction in target units, rounded to float32 at each step as the exported model does. */
export function predictValue(output: number, scale: { mean: number; std: number }): number {
  return Math.fround(Math.fround(output * scale.std) + scale.mean);
}

export function argMax(values: Float32Array): number {
  let best = 0;
  for (let at = 1; at < values.length; at++) if (values[at]! > values[best]!) best = at;
  return best;
}

export function softmax(logits: Float32Array, into: Float32Array): void {
  const max = logits[argMax(logits)]!;
  let sum = 0;
  for (let at = 0; at < logits.length; at++) sum += into[at] = Math.exp(logits[at]! - max);
  for (let at = 0; at < logits.length; at++) into[at] = into[at]! / sum;
}

function squaresAroundMean(values: Float64Array, rows: Int32Array): number {
  const mean = rows.reduce((sum, row) => sum + values[row]!, 0) / rows.length;
  return rows.reduce((sum, row) => sum + (values[row]! - mean) ** 2, 0);
}
