import type { Inputs } from "./encoder.ts";
import type { Random } from "./random.ts";

/** A dense layer; `weights` has one row of `outputs` numbers per input. */
export interface Layer {
  inputs: number;
  outputs: number;
  weights: Float32Array;
  bias: Float32Array;
}

/** A multilayer perceptron: ReLU after every layer but the last. All layers are views of `parameters`. */
export interface Network {
  layers: Layer[];
  parameters: Float32Array;
}

/** `sizes` are the widths from the inputs to the outputs; all parameters are 0. Gradients have the same shape. */
export function createNetwork(sizes: number[]): Network {
  const parameters = new Float32Array(countParameters(sizes));
  const layers: Layer[] = [];
  let from = 0;
  const take = (length: number) => parameters.subarray(from, (from += length));
  for (let at = 1; at < sizes.length; at++) {
    const inputs = sizes[at - 1]!;
    const outputs = sizes[at]!;
    layers.push({ inputs, outputs, weights: take(inputs * outputs), bias: take(outputs) });
  }
  return { layers, parameters };
}

export function countParameters(sizes: number[]): number {
  return sizes.slice(1).reduce((sum, outputs, at) => sum + (sizes[at]! + 1) * outputs, 0);
}

/**
 * Uniform start values: He et al. 2015 before a ReLU, Glorot and Bengio 2010 for the last layer. `activeInputs` is how
 * many inputs of a row are not 0: a one-hot block has one, however many categories it has.
 */
export function initialise(network: Network, activeInputs: number, random: Random): void {
  network.layers.forEach((layer, at) => {
    const fanIn = at === 0 ? activeInputs : layer.inputs;
    const last = at === network.layers.length - 1;
    const limit = Math.sqrt(6 / (last ? fanIn + layer.outputs : fanIn));
    for (let w = 0; w < layer.weights.length; w++) layer.weights[w] = random.symmetric(limit);
  });
}

/** Buffers for one row on its way through the network: what each layer gave, and the loss gradient there. */
export interface Workspace {
  outputs: Float32Array[];
  deltas: Float32Array[];
}

export function createWorkspace(network: Network): Workspace {
  const buffers = () => network.layers.map((layer) => new Float32Array(layer.outputs));
  return { outputs: buffers(), deltas: buffers() };
}

/** Computes one row; the result (logits, or the standardised value) is the last of `workspace.outputs`. */
export function forward(network: Network, workspace: Workspace, inputs: Inputs, row: number): Float32Array {
  const { layers } = network;
  firstLayer(layers[0]!, workspace.outputs[0]!, inputs, row);
  for (let at = 1; at < layers.length; at++) {
    const layer = layers[at]!;
    const before = workspace.outputs[at - 1]!;
    const out = workspace.outputs[at]!;
    relu(before);
    out.set(layer.bias);
    multiplyAdd(out, layer.weights, before, 0, layer.inputs);
  }
  return workspace.outputs[layers.length - 1]!;
}

function firstLayer(layer: Layer, out: Float32Array, inputs: Inputs, row: number): void {
  const numeric = inputs.numeric.length / inputs.rows;
  const blocks = inputs.active.length / inputs.rows;
  out.set(layer.bias);
  multiplyAdd(out, layer.weights, inputs.numeric, row * numeric, numeric);
  for (let block = 0; block < blocks; block++) {
    const input = inputs.active[row * blocks + block]!;
    if (input >= 0) addRow(out, layer.weights, input * layer.outputs);
  }
}

/** out += weights^T * x[from .. from + count); four inputs at a time, to load and store `out` a quarter as often. */
function multiplyAdd(
  out: Float32Array,
  weights: Float32Array,
  x: Float32Array,
  from: number,
  count: number,
): void {
  const size = out.length;
  let input = 0;
  for (; input + 3 < count; input += 4) {
    const a = x[from + input]!;
    const b = x[from + input + 1]!;
    const c = x[from + input + 2]!;
    const d = x[from + input + 3]!;
    const row = input * size;
    for (let o = 0; o < size; o++) {
      const w = row + o;
      out[o] =
        out[o]! +
        a * weights[w]! +
        b * weights[w + size]! +
        c * weights[w + 2 * size]! +
        d * weights[w + 3 * size]!;
    }
  }
  for (; input < count; input++) {
    const a = x[from + input]!;
    const row = input * size;
    for (let o = 0; o < size; o++) out[o] = out[o]! + a * weights[row + o]!;
  }
}

function addRow(out: Float32Array, weights: Float32Array, row: number): void {
  for (let o = 0; o < out.length; o++) out[o] = out[o]! + weights[row + o]!;
}

// Written so that NaN stays NaN: a diverged network must not look healthy.
function relu(values: Float32Array): void {
  for (let at = 0; at < values.length; at++) if (values[at]! < 0) values[at] = 0;
}

/** Adds one row's gradient, starting from the last of `workspace.deltas`; call `forward` for the row first. */
export function backward(
  network: Network,
  workspace: Workspace,
  inputs: Inputs,
  row: number,
  gradient: Network,
): void {
  for (let at = network.layers.length - 1; at > 0; at--) {
    const before = workspace.outputs[at - 1]!;
    const delta = workspace.deltas[at]!;
    addRow(gradient.layers[at]!.bias, delta, 0);
    backwardHidden(network.layers[at]!, gradient.layers[at]!, before, delta, workspace.deltas[at - 1]!);
  }
  backwardFirst(gradient.layers[0]!, workspace.deltas[0]!, inputs, row);
}

/** One pass over the weights for both gradients; an input that ReLU set to 0 adds to neither. */
function backwardHidden(
  layer: Layer,
  gradient: Layer,
  x: Float32Array,
  delta: Float32Array,
  into: Float32Array,
): void {
  const { weights, outputs: size } = layer;
  const slopes = gradient.weights;
  for (let input = 0; input < layer.inputs; input++) {
    const a = x[input]!;
    let sum = 0;
    if (a !== 0) {
      const row = input * size;
      for (let o = 0; o < size; o++) {
        const d = delta[o]!;
        slopes[row + o] = slopes[row + o]! + a * d;
        sum += weights[row + o]! * d;
      }
    }
    into[input] = sum;
  }
}

function backwardFirst(gradient: Layer, delta: Float32Array, inputs: Inputs, row: number): void {
  const numeric = inputs.numeric.length / inputs.rows;
  const blocks = inputs.active.length / inputs.rows;
  const { weights, outputs: size } = gradient;
  addRow(gradient.bias, delta, 0);
  for (let input = 0; input < numeric; input++) {
    const a = inputs.numeric[row * numeric + input]!;
    const from = input * size;
    for (let o = 0; o < size; o++) weights[from + o] = weights[from + o]! + a * delta[o]!;
  }
  for (let block = 0; block < blocks; block++) {
    const input = inputs.active[row * blocks + block]!;
    if (input < 0) continue;
    const from = input * size;
    for (let o = 0; o < size; o++) weights[from + o] = weights[from + o]! + delta[o]!;
  }
}
