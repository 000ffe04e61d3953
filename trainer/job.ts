import { InputError } from "./errors.ts";
import { between, integer, object, oneOf, optional, text } from "./fields.ts";
import {
  type ClassWeights,
  type EarlyStopping,
  readClassWeights,
  readEarlyStopping,
  readSchedule,
  type Schedule,
} from "./regime.ts";

export type Task = "classification" | "regression";

export interface Config {
  epochs: number;
  batchSize: number;
  learningRate: number;
  optimizer: "sgd" | "adam";
  hidden: number[];
  seed: number;
  testFraction: number;
  target: string | undefined;
  task: Task | undefined;
  earlyStopping?: EarlyStopping | undefined;
  classWeights?: ClassWeights | undefined;
  /** How many parts the training rows are cross-validated in before the training proper. */
  folds?: number | undefined;
  schedule?: Schedule | undefined;
}

/** One training: the CSV file to read, the existing folder to write to, and how to train. */
export interface Job {
  data: string;
  output: string;
  config: Config;
  /** Settings that were given but mean nothing here; the log names them. */
  ignored: string[];
}

const MAX_EPOCHS = 10_000;
const MAX_FOLDS = 20;
const MAX_HIDDEN_LAYERS = 8;
const MAX_HIDDEN_UNITS = 4096;

const CONFIG_KEYS = [
  "epochs",
  "batch_size",
  "learning_rate",
  "optimizer",
  "hidden",
  "seed",
  "test_fraction",
  "target",
  "task",
  "early_stopping",
  "class_weights",
  "k_folds",
  "lr_schedule",
];

/** Reads the parsed text of a job file; throws an InputError that names the first wrong field. */
export function parseJob(value: unknown): Job {
  const job = object(value, "the job");
  const config = object(job.config, "config");
  return {
    data: text(job.data, "data"),
    output: text(job.output, "output"),
    config: {
      epochs: integer(config.epochs, "config.epochs", 1, MAX_EPOCHS),
      batchSize: integer(config.batch_size, "config.batch_size", 1),
      learningRate: between(config.learning_rate, "config.learning_rate", 0, Infinity),
      optimizer: oneOf(config.optimizer, "config.optimizer", ["sgd", "adam"]),
      hidden: hiddenLayers(config.hidden),
      seed: integer(config.seed, "config.seed", Number.MIN_SAFE_INTEGER),
      testFraction: between(config.test_fraction ?? 0.2, "config.test_fraction", 0, 0.9),
      target: optional(config.target, (target) => text(target, "config.target")),
      task: optional(config.task, (task) => oneOf(task, "config.task", ["classification", "regression"])),
      earlyStopping: optional(config.early_stopping, readEarlyStopping),
      classWeights: optional(config.class_weights, readClassWeights),
      folds: optional(config.k_folds, (folds) => integer(folds, "config.k_folds", 2, MAX_FOLDS)),
      schedule: optional(config.lr_schedule, readSchedule),
    },
    ignored: Object.keys(config).filter((key) => !CONFIG_KEYS.includes(key)),
  };
}

function hiddenLayers(value: unknown): number[] {
  if (!Array.isArray(value) || value.length > MAX_HIDDEN_LAYERS)
    throw new InputError(`config.hidden must be an array of at most ${MAX_HIDDEN_LAYERS} layer sizes`);
  return value.map((size, at) => integer(size, `config.hidden[${at}]`, 1, MAX_HIDDEN_UNITS));
}
