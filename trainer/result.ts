import { isMissing } from "./cells.ts";
import type { Table } from "./csv.ts";
import type { Feature } from "./encoder.ts";
import { spellNonFinite } from "./metrics.ts";
import type { FeatureDescription } from "./model-metadata.ts";
import { describeFeatures, type Model } from "./model.ts";
import type { Prepared } from "./prepare.ts";
import type { Epoch } from "./train.ts";

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
  holdout: HoldoutRow[];
}

export function describeResult(table: Table, prepared: Prepared, model: Model, last: Epoch): string {
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
    metrics: finalMetrics(last),
    parameters: model.network.parameters.length,
    holdout: Array.from(split.test.subarray(0, MAX_HOLDOUT_ROWS), (at) => holdoutRow(table, prepared, at)),
  };
  return `${JSON.stringify(result, spellNonFinite, 2)}\n`;
}

function finalMetrics({ epoch, step, train, test }: Epoch): Result["metrics"] {
  return {
    epoch,
    step,
    loss: train.loss,
    test_loss: test.loss,
    accuracy: test.accuracy,
    train_accuracy: train.accuracy,
    test_rmse: test.rmse,
    test_r2: test.r2,
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
