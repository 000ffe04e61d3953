import { InputError } from "./errors.ts";

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
const MAX_HIDDEN_LAYERS = 8;
const MAX_HIDDEN_UNITS = 4096;

type Json = Record<string, unknown>;

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
    },
    ignored: Object.keys(config).filter((key) => !CONFIG_KEYS.includes(key)),
  };
}

function hiddenLayers(value: unknown): number[] {
  if (!Array.isArray(value) || value.length > MAX_HIDDEN_LAYERS)
    throw new InputError(`config.hidden must be an array of at most ${MAX_HIDDEN_LAYERS} layer sizes`);
  return value.map((size, at) => integer(size, `config.hidden[${at}]`, 1, MAX_HIDDEN_UNITS));
}

function object(value: unknown, name: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new InputError(`${name} must be an object`);
  return value as Json;
}

function text(value: unknown, name: string): string {
  if (typeof value !== "string" || value === "") throw new InputError(`${name} must be a text, not empty`);
  return value;
}

function integer(value: unknown, name: string, min: number, max = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max)
    throw new InputError(`${name} must be a whole number${range(min, max)}`);
  return value as number;
}

function range(min: number, max: number): string {
  if (min === Number.MIN_SAFE_INTEGER) return "";
  return max === Number.MAX_SAFE_INTEGER ? ` of at least ${min}` : ` from ${min} to ${max}`;
}

function between(value: unknown, name: string, above: number, below: number): number {
  if (typeof value !== "number" || !(value > above && value < below))
    throw new InputError(
      `${name} must be a number above ${above}${below < Infinity ? ` and below ${below}` : ""}`,
    );
  return value;
}

function oneOf<const T extends string>(value: unknown, name: string, words: readonly T[]): T {
  const word = words.find((candidate) => candidate === value);
  if (word === undefined) throw new InputError(`${name} must be one of ${words.join(", ")}`);
  return word;
}

function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined || value === null ? undefined : read(value);
}
