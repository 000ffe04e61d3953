import type { Encoder, Inputs } from "./encoder.ts";
import type { Task } from "./job.ts";
import type { FeatureDescription } from "./model-metadata.ts";
import { createWorkspace, forward, type Network } from "./network.ts";
import { argMax, predictValue, softmax } from "./objective.ts";
import type { Prepared } from "./prepare.ts";

/** A trained network with all that is needed to go from raw cells to an answer. */
export interface Model {
  task: Task;
  target: string;
  /** Class names by output index; undefined for regression. */
  classes: string[] | undefined;
  /** From the network's output to target units; undefined for classification. */
  scale: { mean: number; std: number } | undefined;
  encoder: Encoder;
  network: Network;
}

export function assembleModel({ target, encoder, objective }: Prepared, network: Network): Model {
  return {
    task: target.task,
    target: target.name,
    classes: target.task === "classification" ? target.classes : undefined,
    scale: objective.scale,
    encoder,
    network,
  };
}

export type Prediction = { label: number; probabilities: Float32Array } | { value: number };

/** What the exported model answers for one encoded row, computed here. */
export function predict(model: Model, inputs: Inputs, row: number): Prediction {
  const outputs = forward(model.network, createWorkspace(model.network), inputs, row);
  if (model.scale) return { value: predictValue(outputs[0]!, model.scale) };
  const probabilities = new Float32Array(outputs.length);
  softmax(outputs, probabilities);
  return { label: argMax(outputs), probabilities };
}

export function describeFeatures(encoder: Encoder): FeatureDescription[] {
  return encoder.features.map((feature) =>
    feature.kind === "numeric"
      ? { name: feature.name, kind: feature.kind }
      : { name: feature.name, kind: feature.kind, categories: feature.categories },
  );
}
