import { channelsAlong, quantized, scalesOf } from "./channels.ts";
import { MalformedFile } from "./byte-source.ts";
import { fromNumbers } from "./elements.ts";
import { ELEMENT_BYTES, elementsOf, type TensorInfo } from "./model-file.ts";
import type { OnnxDocument, OnnxNode } from "./onnx-document.ts";
import { floatOf, held, intOf, Names, operator, opsetOf } from "./onnx-graph.ts";
import { collected, opened, single } from "./streams.ts";
import { checkGatherable, gathered } from "./strided.ts";

/** Weights smaller than this stay as they are: their scales would take what they save. */
const MIN_BYTES = 1024;
/** The first operator sets that have scales by channel, and quantization while running. */
const MIN_OPSET = { weights: 13, dynamic: 13 };
const TO_FLOAT = { to: 1 };

/** Where a weight lies among an operator's inputs, and along which axis its output channels do. */
function weightOf(node: OnnxNode, rank: number): { input: number; axis: number } | undefined {
  if (node.domain !== "") return undefined;
  if (node.opType === "Conv") return { input: 1, axis: 0 };
  if (node.opType === "ConvTranspose") return { input: 1, axis: 1 };
  if (node.opType === "MatMul") return { input: 1, axis: rank - 1 };
  if (node.opType === "Gemm") return { input: 1, axis: intOf(node, "transB", 0) ? 0 : 1 };
  return undefined;
}

/** Quantizes one model. */
class Quantizer {
  readonly #document: OnnxDocument;
  readonly #names: Names;
  readonly #weights: Map<string, TensorInfo>;
  readonly #uses = new Map<string, number>();
  readonly #added: TensorInfo[] = [];
  readonly #gone = new Set<string>();
  /** The quantized form of an activation that was asked for before: bytes, scale, zero point. */
  readonly #activations = new Map<string, [string, string, string]>();
  readonly #nodes: OnnxNode[] = [];

  constructor(document: OnnxDocument, minOpset: number) {
    if (opsetOf(document) < minOpset)
      throw new MalformedFile(
        `its operator set ${opsetOf(document)} is older than ${minOpset}; raise it first`,
      );
    this.#document = document;
    this.#names = new Names(document);
    this.#weights = new Map(
      document.initializers
        .filter(({ dtype, bytes, shape }) => dtype === "F32" && bytes >= MIN_BYTES && shape.length >= 2)
        .map((tensor) => [tensor.name, tensor]),
    );
    for (const { inputs } of document.nodes)
      for (const input of inputs) this.#uses.set(input, (this.#uses.get(input) ?? 0) + 1);
    for (const { name } of document.outputs) this.#uses.set(name, Infinity);
  }

  #result(): OnnxDocument {
    const kept = this.#document.initializers.filter(({ name }) => !this.#gone.has(name));
    const inputs = this.#document.inputs.filter(({ name }) => !this.#gone.has(name));
    return { ...this.#document, inputs, nodes: this.#nodes, initializers: [...kept, ...this.#added] };
  }

  /** Weights as bytes, widened where they are used. */
  async weights(): Promise<OnnxDocument> {
    const done = new Set<string>();
    for (const node of this.#document.nodes) {
      await this.#narrow(node, done);
      this.#nodes.push(node);
    }
    return this.#result();
  }

  /** Puts the widening of an operator's weight before it, unless it stands there for another. */
  async #narrow(node: OnnxNode, done: Set<string>): Promise<void> {
    const place = weightOf(node, this.#weights.get(node.inputs[1] ?? "")?.shape.length ?? 0);
    const weight = place && this.#weights.get(node.inputs[place.input]!);
    if (!weight || done.has(weight.name)) return;
    done.add(weight.name);
    const { bytes, scale } = await this.#quantize(weight, place.axis);
    this.#nodes.push(operator("DequantizeLinear", [bytes, scale], [weight.name], { axis: place.axis }));
    this.#gone.add(weight.name);
  }

  /** Adds a weight as bytes and the scales of its channels. */
  async #quantize(weight: TensorInfo, axis: number): Promise<{ bytes: string; scale: string }> {
    const { name, shape } = weight;
    const channels = channelsAlong(shape, axis);
    const scales = await scalesOf(name, weight.read(), channels);
    const [bytes, scale] = [this.#names.fresh(`${name}.int8`), this.#names.fresh(`${name}.scale`)];
    this.#added.push(
      {
        ...{ name: bytes, dtype: "I8", shape, bytes: elementsOf(shape) },
        read: () => quantized(weight.read(), scales, channels),
      },
      held(scale, "F32", [scales.length], fromNumbers("F32", scales)),
    );
    return { bytes, scale };
  }

  /** Products of matrices in whole numbers; other weights as bytes, widened where they are used. */
  async dynamic(): Promise<OnnxDocument> {
    const done = new Set<string>();
    for (const node of this.#document.nodes) {
      const weight = this.#weights.get(node.inputs[1] ?? "");
      const isProduct = weight?.shape.length === 2 && this.#uses.get(weight.name) === 1 && isProductOf(node);
      if (isProduct) await this.#multiply(node, weight);
      else {
        await this.#narrow(node, done);
        this.#nodes.push(node);
      }
    }
    return this.#result();
  }

  async #multiply(node: OnnxNode, given: TensorInfo): Promise<void> {
    const [input = "", , bias] = node.inputs;
    const weight = node.opType === "Gemm" && intOf(node, "transB", 0) ? transposed(given) : given;
    const { bytes, scale } = await this.#quantize(weight, 1);
    this.#gone.add(given.name);
    const [activation, inputScale, zero] = this.#activation(input);
    const named = (what: string) => this.#names.fresh(`${given.name}.${what}`);
    const [whole, float, factor] = [named("product"), named("float"), named("factor")];
    const output = node.outputs[0]!;
    const product = bias ? named("scaled") : output;
    this.#nodes.push(
      operator("MatMulInteger", [activation, bytes, zero], [whole]),
      operator("Cast", [whole], [float], TO_FLOAT),
      operator("Mul", [inputScale, scale], [factor]),
      operator("Mul", [float, factor], [product]),
      ...(bias ? [operator("Add", [product, bias], [output])] : []),
    );
  }

  #activation(input: string): [string, string, string] {
    const known = this.#activations.get(input);
    if (known) return known;
    const names = ["quantized", "scale", "zero"].map((what) => this.#names.fresh(`${input}.${what}`));
    this.#nodes.push(operator("DynamicQuantizeLinear", [input], names));
    this.#activations.set(input, names as [string, string, string]);
    return names as [string, string, string];
  }
}

/** Whether an operator is a plain product, with a bias perhaps. */
const isProductOf = (node: OnnxNode): boolean =>
  node.domain === "" &&
  (node.opType === "MatMul" ||
    (node.opType === "Gemm" &&
      !intOf(node, "transA", 0) &&
      floatOf(node, "alpha", 1) === 1 &&
      floatOf(node, "beta", 1) === 1));

function transposed({ name, dtype, shape, bytes, read }: TensorInfo): TensorInfo {
  checkGatherable(name, bytes);
  const [rows, columns] = shape as [number, number];
  const turned = async () => {
    const given = await collected(read(), bytes);
    return single(gathered(given, ELEMENT_BYTES.F32, [columns, rows], [1, columns]));
  };
  return { name, dtype, shape: [columns, rows], bytes, read: () => opened(turned) };
}

/** Weights of products and convolutions as signed bytes with a scale a channel; arithmetic stays in float32. */
export const quantizeWeights = async (document: OnnxDocument): Promise<OnnxDocument> =>
  new Quantizer(document, MIN_OPSET.weights).weights();

/** The same, and products of matrices in whole numbers, their inputs quantized while the model runs. */
export const quantizeDynamically = async (document: OnnxDocument): Promise<OnnxDocument> =>
  new Quantizer(document, MIN_OPSET.dynamic).dynamic();
