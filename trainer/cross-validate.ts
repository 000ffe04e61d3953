import type { Table } from "./csv.ts";
import type { Config } from "./job.ts";
import type { Scores } from "./objective.ts";
import type { Pacer } from "./pacer.ts";
import { prepareSplit, type Prepared } from "./prepare.ts";
import { createRandom } from "./random.ts";
import { foldsOf } from "./split.ts";
import { train } from "./train.ts";

export interface Fold extends Scores {
  epochs: number;
  trainRows: number;
  testRows: number;
}

export interface CrossValidation {
  folds: Fold[];
  mean: Scores;
  /** Standard deviation over the folds (of the population). */
  std: Scores;
}

const KEYS = ["loss", "accuracy", "balancedAccuracy", "rmse", "r2"] as const;

/**
 * Trains anew on all but each fold of the training rows, and says how well each was predicted. The rows held out for the
 * test of the final model take no part.
 */
export async function crossValidate(
  table: Table,
  { target, split }: Prepared,
  config: Config,
  pacer: Pacer,
  report: (fold: Fold, number: number) => void,
): Promise<CrossValidation> {
  const folds: Fold[] = [];
  const rows = Int32Array.from([...split.train, ...(split.validation ?? [])]);
  for (const part of foldsOf(target, rows, config.folds!, createRandom(config.seed, "folds"))) {
    const prepared = await prepareSplit(table, target, part, config, pacer);
    const { epoch, epochsRun } = await train(prepared, config, pacer, async () => undefined);
    folds.push({
      ...epoch.test,
      epochs: epochsRun,
      trainRows: part.train.length,
      testRows: part.test.length,
    });
    report(folds.at(-1)!, folds.length);
  }
  return { folds, mean: over(folds, mean), std: over(folds, deviation) };
}

function over(folds: Fold[], figure: (values: number[]) => number): Scores {
  const known = KEYS.filter((key) => folds.every((fold) => fold[key] !== undefined));
  return Object.fromEntries(
    known.map((key) => [key, figure(folds.map((fold) => fold[key]!))]),
  ) as unknown as Scores;
}

const mean = (values: number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;

function deviation(values: number[]): number {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
}
