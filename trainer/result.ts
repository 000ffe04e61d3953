import { isMissing } from "./cells.ts";
import type { CrossValidation } from "./cross-validate.ts";
import type { Table } from "./csv.ts";
import type { Config } from "./job.ts";
import type { Feature } from "./encoder.ts";
import { spellNonFinite } from "./metrics.ts";
import type { FeatureDescription } from "./model-metadata.ts";
import { describeFeatures, type Model } from "./model.ts";
import type { Prepared } from "./prepare.ts";
import type { Scores } from "./objective.ts";
import type { Epoch, Trained } from "./train.ts";

const MAX_HOLDOUT_ROWS = 20;

/** One row the model has not seen, as it would be sent for a prediction. */
export interface HoldoutRow {
  inputs: Record<string, string | number | null>;
  truth: string | number;
}

/** The content of result.json. */
export interface Result {
  task: "classification" | "regression";
  target: string;
  classes?: string[];
  features: FeatureDescription[];
  rows: number;
  train_rows: number;
  test_rows: number;
  dropped_rows: number;
  metrics: Record<string, number | undefined>;
  parameters: number;
  early_stopping?: {
    epochs_run: number;
    best_epoch: number;
    stopped_early: boolean;
    validation_rows: number;
  };
  k_fold?: {
    folds: Record<string, number | undefined>[];
    mean: Record<string, number | undefined>;
    std: Record<string, number | undefined>;
  };
  holdout: HoldoutRow[];
}

interface Outcome {
  trained: Trained;
  folds: CrossValidation | undefined;
  config: Config;
}

export function describeResult(table: Table, prepared: Prepared, model: Model, outcome: Outcome): string {
  const { trained, folds, config } = outcome;
  const { target, split, encoder, droppedRows } = prepared;
  const result: Result = {
    task: target.task,
    target: target.name,
    classes: model.classes,
    features: describeFeatures(encoder),
    rows: table.rows,
    train_rows: split.train.length,
    test_rows: split.test.length,
    dropped_rows: droppedRows,
    metrics: finalMetrics(trained.epoch),
    parameters: model.network.parameters.length,
    ...(split.validation && {
      early_stopping: {
        epochs_run: trained.epochsRun,
        best_epoch: trained.epoch.epoch,
        stopped_early: trained.epochsRun < config.epochs,
        validation_rows: split.validation.length,
      },
    }),
    ...(folds && { k_fold: describeFolds(folds) }),
    holdout: Array.from(split.test.subarray(0, MAX_HOLDOUT_ROWS), (at) => holdoutRow(table, prepared, at)),
  };
  return `${JSON.stringify(result, spellNonFinite, 2)}\n`;
}

const describeFolds = ({ folds, mean, std }: CrossValidation): Result["k_fold"] => ({
  folds: folds.map((fold) => ({
    ...testFigures(fold),
    epochs: fold.epochs,
    train_rows: fold.trainRows,
    test_rows: fold.testRows,
  })),
  mean: testFigures(mean),
  std: testFigures(std),
});

const testFigures = ({ loss, accuracy, balancedAccuracy, rmse, r2 }: Scores) => ({
  test_loss: loss,
  accuracy,
  balanced_accuracy: balancedAccuracy,
  test_rmse: rmse,
  test_r2: r2,
});

function finalMetrics({ epoch, step, train, test, validation }: Epoch): Result["metrics"] {
  return {
    epoch,
    step,
    loss: train.loss,
    test_loss: test.loss,
    accuracy: test.accuracy,
    train_accuracy: train.accuracy,
    test_rmse: test.rmse,
    test_r2: test.r2,
    balanced_accuracy: test.balancedAccuracy,
    val_loss: validation?.loss,
  };
}

function holdoutRow(table: Table, { target, encoder }: Prepared, position: number): HoldoutRow {
  const row = target.rows[position]!;
  const inputs = encoder.features.map((feature) => [feature.name, rawValue(table, feature, row)]);
  const truth =
    target.task === "classification" ? target.classes[target.labels[position]!]! : target.values[position]!;
  return { inputs: Object.fromEntries(inputs), truth };
}

function rawValue(table: Table, feature: Feature, row: number): string | number | null {
  const cell = table.columns[table.names.indexOf(feature.name)]![row]!;
  if (isMissing(cell)) return null;
  return feature.kind === "numeric" ? Number(cell) : cell;
}
