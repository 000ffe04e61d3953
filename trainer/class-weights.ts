import { InputError } from "./errors.ts";
import type { Config } from "./job.ts";
import type { Target } from "./target.ts";

/**
 * How much a row of each class counts in training. `balanced` is rows / (classes × rows of the class), as scikit-learn
 * defines it, over the training rows; a class without any there counts 1.
 */
export function weightsOf(
  target: Target,
  train: Int32Array,
  wanted: Config["classWeights"],
): Float64Array | undefined {
  if (wanted === undefined) return undefined;
  if (target.task !== "classification")
    throw new InputError("config.class_weights are for classification, and the target is a number");
  const { classes, labels } = target;
  if (wanted !== "balanced") return named(classes, wanted);
  const counts = new Float64Array(classes.length);
  for (const position of train) counts[labels[position]!]!++;
  return counts.map((count) => (count === 0 ? 1 : train.length / (classes.length * count)));
}

function named(classes: string[], weights: Record<string, number>): Float64Array {
  const unknown = Object.keys(weights).find((label) => !classes.includes(label));
  if (unknown !== undefined)
    throw new InputError(
      `config.class_weights names ${JSON.stringify(unknown)}, which is no class of the target`,
    );
  return Float64Array.from(classes, (label) => (Object.hasOwn(weights, label) ? weights[label]! : 1));
}
