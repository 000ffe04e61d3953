import { InputError } from "./errors.ts";
import { between, integer, object, oneOf } from "./fields.ts";

/** Ends a training when the rows set aside for it get no better. */
export interface EarlyStopping {
  /** Epochs in a row without an improvement. */
  patience: number;
  minDelta: number;
  restoreBest: boolean;
  /** Share of the training rows that are watched instead of trained on. */
  validationFraction: number;
}

/** `balanced`: every class weighs the same in all; otherwise by the class's name, 1 when it is not named. */
export type ClassWeights = "balanced" | Record<string, number>;

export interface Schedule {
  type: "constant" | "step" | "cosine";
  warmupEpochs: number;
  stepEpochs: number;
  gamma: number;
  minRate: number;
}

const MAX_EPOCHS = 10_000;

export function readEarlyStopping(value: unknown): EarlyStopping {
  const given = object(value, "config.early_stopping");
  const name = (field: string) => `config.early_stopping.${field}`;
  const restore = given.restore_best ?? true;
  if (typeof restore !== "boolean") throw new InputError(`${name("restore_best")} must be true or false`);
  return {
    patience: integer(given.patience, name("patience"), 1, MAX_EPOCHS),
    minDelta: notBelow(given.min_delta ?? 0, name("min_delta")),
    restoreBest: restore,
    validationFraction: between(given.validation_fraction ?? 0.15, name("validation_fraction"), 0, 0.9),
  };
}

export function readClassWeights(value: unknown): ClassWeights {
  if (value === "balanced") return value;
  const weights = Object.entries(object(value, "config.class_weights"));
  return Object.fromEntries(
    weights.map(([label, weight]) => [label, between(weight, `config.class_weights.${label}`, 0, Infinity)]),
  );
}

export function readSchedule(value: unknown): Schedule {
  const given = object(value, "config.lr_schedule");
  const name = (field: string) => `config.lr_schedule.${field}`;
  const gamma = given.gamma ?? 0.5;
  return {
    type: oneOf(given.type ?? "constant", name("type"), ["constant", "step", "cosine"]),
    warmupEpochs: integer(given.warmup_epochs ?? 0, name("warmup_epochs"), 0, MAX_EPOCHS),
    stepEpochs: integer(given.step_epochs ?? 10, name("step_epochs"), 1, MAX_EPOCHS),
    gamma: gamma === 1 ? 1 : between(gamma, name("gamma"), 0, 1),
    minRate: notBelow(given.min_lr ?? 0, name("min_lr")),
  };
}

function notBelow(value: unknown, name: string): number {
  return value === 0 ? 0 : between(value, name, 0, Infinity);
}
