import { basename } from "node:path";
import { crossValidate, type Fold } from "./cross-validate.ts";
import { readTable, type Table } from "./csv.ts";
import type { Job } from "./job.ts";
import { metricLine, type MetricsSink } from "./metrics.ts";
import { assembleModel } from "./model.ts";
import { exportOnnx } from "./onnx/export.ts";
import { checkInputNames } from "./onnx/graph.ts";
import type { Scores } from "./objective.ts";
import { prepareOutput, writeOutput } from "./output.ts";
import { createPacer } from "./pacer.ts";
import { prepare, type Prepared } from "./prepare.ts";
import { describeResult } from "./result.ts";
import { train, type Epoch } from "./train.ts";

type Log = (line: string) => void;

const MAX_NAMES_LOGGED = 12;

/** Runs one job from CSV to model; metric lines go to `metrics`, everything for people to `log`. */
export async function runJob(job: Job, log: Log, metrics: MetricsSink | undefined): Promise<void> {
  const { config } = job;
  const started = performance.now();
  const pacer = createPacer();
  if (job.ignored.length > 0) log(`ignored settings that mean nothing here: ${job.ignored.join(", ")}`);
  prepareOutput(job.output);
  const table = await readTable(job.data);
  const prepared = await prepare(table, config, pacer);
  checkInputNames(prepared.encoder.categorical);
  logData(log, basename(job.data), table, prepared);
  const folds = config.folds ? await crossValidate(table, prepared, config, pacer, tellFold(log)) : undefined;
  if (folds) log(`cross-validated on ${folds.folds.length} folds, mean: ${describeScores(folds.mean)}`);
  const trained = await train(prepared, config, pacer, async (epoch) => {
    if (isProgressStep(epoch.epoch, config.epochs)) log(describeEpoch(epoch, config.epochs));
    await metrics?.write(metricLine(epoch));
  });
  const model = assembleModel(prepared, trained.network);
  await metrics?.close();
  writeOutput(job.output, {
    "model.onnx": exportOnnx(model),
    "result.json": describeResult(table, prepared, model, { trained, folds, config }),
  });
  if (trained.epochsRun < config.epochs) log(`stopped early after epoch ${trained.epochsRun}`);
  log(
    `done in ${((performance.now() - started) / 1000).toFixed(1)} s: ` +
      `${trained.network.parameters.length} parameters, ${describeEpoch(trained.epoch, config.epochs)}`,
  );
}

const tellFold = (log: Log) => (fold: Fold, number: number) => log(`fold ${number}: ${describeScores(fold)}`);

function logData(log: Log, file: string, table: Table, prepared: Prepared): void {
  const { target, split, encoder, droppedRows } = prepared;
  log(`read ${table.rows} rows, ${table.names.length} columns from ${file}`);
  if (droppedRows > 0) log(`dropped ${droppedRows} rows without a target`);
  log(`numeric inputs: ${names(encoder.numeric.map(({ name }) => JSON.stringify(name)))}`);
  const categorical = encoder.categorical.map(
    ({ name, categories }) => `${JSON.stringify(name)} (${categories.length} values)`,
  );
  log(`categorical inputs: ${names(categorical)}`);
  const used = new Set([target.name, ...encoder.features.map(({ name }) => name)]);
  const unused = table.names.filter((name) => !used.has(name)).map((name) => JSON.stringify(name));
  if (unused.length > 0) log(`left out, no value in the training rows: ${names(unused)}`);
  log(
    `${target.task} of ${JSON.stringify(target.name)}` +
      (target.task === "classification"
        ? `, ${target.classes.length} classes: ${names(target.classes.map((label) => JSON.stringify(label)))}`
        : ""),
  );
  const watched = split.validation ? `, ${split.validation.length} to decide when to stop` : "";
  log(`${split.train.length} rows to train, ${split.test.length} held out to test${watched}`);
}

function names(all: string[]): string {
  if (all.length === 0) return "none";
  const shown = all.slice(0, MAX_NAMES_LOGGED).join(", ");
  return all.length > MAX_NAMES_LOGGED ? `${shown} and ${all.length - MAX_NAMES_LOGGED} more` : shown;
}

/** True about ten times in a training, the first and the last epoch included. */
function isProgressStep(epoch: number, epochs: number): boolean {
  const tenth = (at: number) => Math.floor((at * 10) / epochs);
  return epoch === 1 || tenth(epoch) > tenth(epoch - 1);
}

function describeEpoch({ epoch, train, test }: Epoch, epochs: number): string {
  return `epoch ${epoch}/${epochs}: loss ${train.loss.toFixed(5)}, ${describeScores(test)}`;
}

function describeScores({ loss, accuracy, rmse, r2 }: Scores): string {
  const quality =
    accuracy === undefined
      ? `test RMSE ${rmse!.toPrecision(4)}, R² ${r2!.toFixed(3)}`
      : `test accuracy ${accuracy.toFixed(4)}`;
  return `test loss ${loss.toFixed(5)}, ${quality}`;
}
