import type { CategoricalFeature, NumericFeature } from "../encoder.ts";
import { InputError } from "../errors.ts";
import type { Layer } from "../network.ts";
import type { Model } from "../model.ts";
import {
  floatTensor,
  int64Tensor,
  intAttribute,
  node,
  stringsAttribute,
  valueInfo,
  type Graph,
} from "../../src/kernel/formats/onnx-encode.ts";

/** The one input of all numeric features. */
export const FEATURES_INPUT = "features";
const OUTPUTS = ["probabilities", "label", "prediction"];
/** Values inside the graph share one name space with inputs and outputs; these are kept apart by a prefix. */
const INNER = "myelin/";
const BATCH = "batch";

/** A text column is a graph input under its own name, so some names are taken; throws an InputError for those. */
export function checkInputNames(features: CategoricalFeature[]): void {
  for (const { name } of features)
    if (name === FEATURES_INPUT || OUTPUTS.includes(name) || name.startsWith(INNER))
      throw new InputError(`the text column ${JSON.stringify(name)} has a name the model needs: rename it`);
}

/** The whole way from raw inputs to answers as an ONNX graph: imputation, scaling, one-hot, network, answer. */
export function buildGraph(model: Model): Graph {
  const { numeric, categorical } = model.encoder;
  checkInputNames(categorical);
  const graph: Graph = { name: "myelin", nodes: [], initializers: [], inputs: [], outputs: [] };
  const parts = categorical.map((feature, at) => oneHot(graph, feature, at));
  if (numeric.length > 0) parts.unshift(standardise(graph, numeric));
  const outputs = layers(graph, model.network.layers, join(graph, parts));
  if (model.scale) answerValue(graph, outputs, model.scale);
  else answerClass(graph, outputs, model.classes!.length);
  return graph;
}

function standardise(graph: Graph, features: NumericFeature[]): string {
  const size = features.length;
  const mean = constant(
    graph,
    "mean",
    [size],
    features.map((feature) => feature.mean),
  );
  const std = constant(
    graph,
    "std",
    [size],
    features.map((feature) => feature.std),
  );
  graph.inputs.push(valueInfo(FEATURES_INPUT, "float", [BATCH, size]));
  const missing = operation(graph, "IsNaN", [FEATURES_INPUT], "missing");
  const present = operation(graph, "Where", [missing, mean, FEATURES_INPUT], "present");
  const centred = operation(graph, "Sub", [present, mean], "centred");
  return operation(graph, "Div", [centred, std], "standardised");
}

/** OneHotEncoder gives [batch, 1, K]; the network wants [batch, K]. In a Reshape, 0 keeps a dimension. */
function oneHot(graph: Graph, feature: CategoricalFeature, at: number): string {
  const size = feature.categories.length;
  graph.inputs.push(valueInfo(feature.name, "string", [BATCH, 1]));
  const encoded = `${INNER}encoded_${at}`;
  const attributes = [stringsAttribute("cats_strings", feature.categories), intAttribute("zeros", 1)];
  graph.nodes.push(node("OneHotEncoder", [feature.name], [encoded], attributes, "ai.onnx.ml"));
  const shape = `${INNER}encoded_shape_${at}`;
  graph.initializers.push(int64Tensor(shape, [0, size]));
  return operation(graph, "Reshape", [encoded, shape], `one_hot_${at}`);
}

function join(graph: Graph, parts: string[]): string {
  if (parts.length === 1) return parts[0]!;
  const name = `${INNER}inputs`;
  graph.nodes.push(node("Concat", parts, [name], [intAttribute("axis", 1)]));
  return name;
}

function layers(graph: Graph, all: Layer[], input: string): string {
  return all.reduce((before, layer, at) => {
    const weights = constant(graph, `weights_${at}`, [layer.inputs, layer.outputs], layer.weights);
    const bias = constant(graph, `bias_${at}`, [layer.outputs], layer.bias);
    const linear = operation(graph, "Gemm", [before, weights, bias], `linear_${at}`);
    return at === all.length - 1 ? linear : operation(graph, "Relu", [linear], `hidden_${at}`);
  }, input);
}

function answerClass(graph: Graph, logits: string, classes: number): void {
  const [probabilities, label] = OUTPUTS as [string, string];
  graph.nodes.push(
    node("Softmax", [logits], [probabilities], [intAttribute("axis", 1)]),
    node("ArgMax", [logits], [label], [intAttribute("axis", 1), intAttribute("keepdims", 0)]),
  );
  graph.outputs.push(valueInfo(probabilities, "float", [BATCH, classes]), valueInfo(label, "int64", [BATCH]));
}

function answerValue(graph: Graph, output: string, scale: { mean: number; std: number }): void {
  const std = constant(graph, "target_std", [1], [scale.std]);
  const mean = constant(graph, "target_mean", [1], [scale.mean]);
  const scaled = operation(graph, "Mul", [output, std], "scaled");
  graph.nodes.push(node("Add", [scaled, mean], ["prediction"]));
  graph.outputs.push(valueInfo("prediction", "float", [BATCH, 1]));
}

function operation(graph: Graph, opType: string, inputs: string[], output: string): string {
  const name = INNER + output;
  graph.nodes.push(node(opType, inputs, [name]));
  return name;
}

function constant(graph: Graph, name: string, dims: number[], values: ArrayLike<number>): string {
  graph.initializers.push(floatTensor(INNER + name, dims, values));
  return INNER + name;
}
