import { MalformedFile } from "./byte-source.ts";
import type { TensorInfo } from "./model-file.ts";
import type { OnnxDocument, OnnxNode } from "./onnx-document.ts";
import { fieldsOf } from "./onnx-document.ts";
import { floatBits, intField, stringField, concat } from "./protobuf-encode.ts";
import { single } from "./streams.ts";

const ATTRIBUTE_INT = 2;

/** An operator of ONNX's own domain. */
export const operator = (
  opType: string,
  inputs: string[],
  outputs: string[],
  attributes: Record<string, number> = {},
): OnnxNode => ({
  ...{ opType, domain: "", name: outputs[0]!, inputs, outputs },
  attributes: Object.entries(attributes).map(([name, value]) => intAttribute(name, value)),
});

const intAttribute = (name: string, value: number) => ({
  name,
  bytes: concat([stringField(1, name), intField(3, value), intField(20, ATTRIBUTE_INT)]),
});

/** An attribute that is a whole number, or what it is when left out. */
export function intOf({ attributes }: OnnxNode, name: string, otherwise: number): number {
  const attribute = attributes.find((one) => one.name === name);
  if (!attribute) return otherwise;
  for (const field of fieldsOf(attribute.bytes)) if (field.number === 3) return field.value;
  return otherwise;
}

/** An attribute that is a float, or what it is when left out. */
export function floatOf({ attributes }: OnnxNode, name: string, otherwise: number): number {
  const attribute = attributes.find((one) => one.name === name);
  if (!attribute) return otherwise;
  for (const field of fieldsOf(attribute.bytes))
    if (field.number === 2) return floatBits(attribute.bytes.subarray(field.start, field.end));
  return otherwise;
}

/** A small tensor, in memory. */
export const held = (name: string, dtype: string, shape: number[], bytes: Uint8Array): TensorInfo => ({
  ...{ name, dtype, shape, bytes: bytes.length },
  read: () => single(bytes),
});

/** Names no value of the graph has yet. Subgraphs see the values around them, so theirs do not clash with ours either. */
export class Names {
  readonly #taken: Set<string>;

  constructor({ nodes, initializers, inputs, outputs }: OnnxDocument) {
    this.#taken = new Set([
      ...nodes.flatMap((node) => [...node.inputs, ...node.outputs, node.name]),
      ...[...initializers, ...inputs, ...outputs].map(({ name }) => name),
    ]);
  }

  fresh(base: string): string {
    let name = `myelin/${base}`;
    for (let i = 2; this.#taken.has(name); i++) name = `myelin/${base}.${i}`;
    this.#taken.add(name);
    return name;
  }
}

export function opsetOf({ opsets }: OnnxDocument): number {
  const version = opsets.get("") ?? opsets.get("ai.onnx");
  if (version === undefined) throw new MalformedFile("it does not say which operators it means");
  return version;
}
