import { MalformedFile } from "./byte-source.ts";
import { fromNumbers } from "./elements.ts";
import { fieldsOf, type OnnxDocument, type OnnxNode } from "./onnx-document.ts";
import { floatOf, held, intAttribute, intOf, intsOf, Names, operator, opsetOf } from "./onnx-graph.ts";

/** From the first operator set with today's broadcasting to the newest whose operators are known below. */
const OLDEST = 7;
export const NEWEST_OPSET = 17;

const SUBGRAPHS = [6, 11];

/** Puts small tensors beside the graph for operators whose attributes became inputs. */
class Raiser {
  readonly added: OnnxDocument["initializers"] = [];
  readonly #names: Names;

  constructor(document: OnnxDocument) {
    this.#names = new Names(document);
  }

  name = (base: string): string => this.#names.fresh(base);

  ints(node: OnnxNode, what: string, values: bigint[], shape = [values.length]): string {
    const name = this.name(`${node.outputs[0]}.${what}`);
    this.added.push(held(name, "I64", shape, new Uint8Array(BigInt64Array.from(values).buffer)));
    return name;
  }

  float(node: OnnxNode, what: string, value: number): string {
    const name = this.name(`${node.outputs[0]}.${what}`);
    this.added.push(held(name, "F32", [], fromNumbers("F32", [value])));
    return name;
  }
}

/** What an operator has to become when its meaning changed; operators that only took on more types stay as they are. */
type Change = (node: OnnxNode, raiser: Raiser) => OnnxNode[];

const without = (node: OnnxNode, ...names: string[]): OnnxNode => ({
  ...node,
  attributes: node.attributes.filter(({ name }) => !names.includes(name)),
});

const has = ({ attributes }: OnnxNode, name: string): boolean =>
  attributes.some((attribute) => attribute.name === name);

/** Whole numbers that became inputs, in order; one that was not given is left out. */
const asInputs =
  (...names: string[]): Change =>
  (node, raiser) => {
    const inputs = names.map((name) => {
      const values = intsOf(node, name);
      return values ? raiser.ints(node, name, values) : "";
    });
    while (inputs.at(-1) === "") inputs.pop();
    return [{ ...without(node, ...names), inputs: [...node.inputs, ...inputs] }];
  };

const clip: Change = (node, raiser) => {
  const bound = (name: string) => (has(node, name) ? raiser.float(node, name, floatOf(node, name, 0)) : "");
  return [{ ...without(node, "min", "max"), inputs: [node.inputs[0]!, bound("min"), bound("max")] }];
};

const pad: Change = (node, raiser) => {
  const pads = raiser.ints(node, "pads", intsOf(node, "pads") ?? []);
  const value = raiser.float(node, "value", floatOf(node, "value", 0));
  return [{ ...without(node, "pads", "value"), inputs: [node.inputs[0]!, pads, value] }];
};

const topK: Change = (node, raiser) => {
  const k = raiser.ints(node, "k", [BigInt(intOf(node, "k", 0))], [1]);
  return [{ ...without(node, "k"), inputs: [node.inputs[0]!, k] }];
};

/** Before, everything from `axis` on was one axis: flattened, normalised and shaped back, it is so again. */
const overFlattened: Change = (node, raiser) => {
  const axis = intsOf(node, "axis")?.[0] ?? 1n;
  const [input, output] = [node.inputs[0]!, node.outputs[0]!];
  const [shape, flat, done] = ["shape", "flat", "normal"].map((what) => raiser.name(`${output}.${what}`));
  return [
    operator("Shape", [input], [shape!]),
    { ...operator("Flatten", [input], [flat!]), attributes: [intAttribute("axis", Number(axis))] },
    { ...node, name: done!, inputs: [flat!], outputs: [done!], attributes: [intAttribute("axis", 1)] },
    operator("Reshape", [done!, shape!], [output]),
  ];
};

const batchNormalization: Change = (node) => {
  if (intOf(node, "spatial", 1) !== 1) throw new MalformedFile("its BatchNormalization is not spatial");
  return [{ ...without(node, "spatial"), outputs: node.outputs.slice(0, 1) }];
};

const renamed =
  (opType: string): Change =>
  (node) => [{ ...node, opType }];

const impossible: Change = ({ opType }) => {
  throw new MalformedFile(`its operator ${opType} has another meaning since, and is not translated`);
};

/** By operator, the set that changed its meaning and how (https://github.com/onnx/onnx/blob/main/docs/Changelog.md). */
const CHANGES: Record<string, [since: number, change: Change][]> = {
  BatchNormalization: [[9, batchNormalization]],
  Clip: [[11, clip]],
  Dropout: [[12, (node) => [{ ...without(node, "ratio"), outputs: node.outputs.slice(0, 1) }]]],
  Hardmax: [[13, overFlattened]],
  LogSoftmax: [[13, overFlattened]],
  Pad: [[11, pad]],
  ReduceSum: [[13, asInputs("axes")]],
  Resize: [[11, impossible]],
  Scan: [[9, impossible]],
  Scatter: [[11, renamed("ScatterElements")]],
  Slice: [[10, asInputs("starts", "ends", "axes")]],
  Softmax: [[13, overFlattened]],
  Split: [[13, asInputs("split")]],
  Squeeze: [[13, asInputs("axes")]],
  TopK: [[10, topK]],
  Unsqueeze: [[13, asInputs("axes")]],
  Upsample: [[9, impossible]],
};

function changed(node: OnnxNode, from: number, to: number, raiser: Raiser): OnnxNode[] {
  if (node.domain !== "" && node.domain !== "ai.onnx") return [node];
  const isNested = node.attributes.some(({ bytes }) =>
    [...fieldsOf(bytes)].some(({ number }) => SUBGRAPHS.includes(number)),
  );
  if (isNested)
    throw new MalformedFile(`its operator ${node.opType} holds a graph of its own, which is not translated`);
  const due = (CHANGES[node.opType] ?? []).filter(([since]) => since > from && since <= to);
  return due.reduce(
    (nodes, [, change]) => nodes.flatMap((one) => (one.opType === node.opType ? change(one, raiser) : one)),
    [node],
  );
}

/** The same model in newer operators; throws `MalformedFile` saying which operator is in the way. */
export function raised(document: OnnxDocument, to: number): OnnxDocument {
  const from = opsetOf(document);
  if (to < from) throw new MalformedFile(`its operator set ${from} is newer than ${to} already`);
  if (from < OLDEST) throw new MalformedFile(`its operator set ${from} is older than ${OLDEST}`);
  if (to > NEWEST_OPSET) throw new MalformedFile(`operator sets beyond ${NEWEST_OPSET} are not written`);
  const raiser = new Raiser(document);
  const nodes = document.nodes.flatMap((node) => changed(node, from, to, raiser));
  const opsets = new Map([...document.opsets].filter(([domain]) => domain !== "ai.onnx")).set("", to);
  // Each operator set needs the file format of its day; 8 is that of 15 to 18.
  const irVersion = Math.max(document.irVersion, 8);
  return { ...document, irVersion, opsets, nodes, initializers: [...document.initializers, ...raiser.added] };
}
