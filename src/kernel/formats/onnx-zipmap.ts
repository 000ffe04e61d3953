import { stringField, messageField, intField } from "./protobuf-encode.ts";
import { intsIn } from "./onnx-graph.ts";
import type { OnnxDocument, OnnxEdge } from "./onnx-document.ts";
import { fieldsOf, textOf } from "./onnx-document.ts";
import { concat } from "./protobuf-encode.ts";

const ML_DOMAIN = "ai.onnx.ml";
const FLOAT = 1;
/** A JSON list of class names, in the order of the columns. */
const LABELS = "myelin.labels";

/** A tensor of as many rows as there are, and a column a class. */
function probabilities(name: string, classes: number | null): OnnxEdge {
  const size = classes === null ? [] : [intField(1, classes)];
  const shape = messageField(2, [messageField(1, []), messageField(1, size)]);
  const tensorType = messageField(1, [intField(1, FLOAT), shape]);
  return { name, bytes: concat([stringField(1, name), messageField(2, [tensorType])]) };
}

/** The classes a ZipMap names: texts or whole numbers, as texts. */
function classesOf(attributes: { name: string; bytes: Uint8Array }[]): string[] {
  for (const { name, bytes } of attributes) {
    if (name === "classlabels_strings")
      return [...fieldsOf(bytes)].filter(({ number }) => number === 9).map((field) => textOf(bytes, field));
    if (name === "classlabels_int64s") return intsIn(bytes).map(String);
  }
  return [];
}

/**
 * Takes out the ZipMaps that scikit-learn's exporter ends classifiers with: the output becomes the tensor they were made
 * of, under the same name, and the classes go where serving looks for them. `undefined` where there is none.
 */
export function withoutZipMap(document: OnnxDocument): OnnxDocument | undefined {
  const zipMaps = document.nodes.filter(({ opType, domain }) => opType === "ZipMap" && domain === ML_DOMAIN);
  if (zipMaps.length === 0) return undefined;
  const classes = classesOf(zipMaps[0]!.attributes);
  const renamed = new Map(zipMaps.map(({ inputs, outputs }) => [inputs[0]!, outputs[0]!]));
  const rename = (name: string) => renamed.get(name) ?? name;
  const nodes = document.nodes
    .filter((node) => !zipMaps.includes(node))
    .map((node) => ({ ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) }));
  const gone = new Set(zipMaps.map(({ outputs }) => outputs[0]!));
  const outputs = document.outputs.map((edge) =>
    gone.has(edge.name) ? probabilities(edge.name, classes.length || null) : edge,
  );
  const metadata = new Map(document.metadata);
  if (classes.length > 0 && !metadata.has(LABELS)) metadata.set(LABELS, JSON.stringify(classes));
  return { ...document, nodes, outputs, metadata };
}
