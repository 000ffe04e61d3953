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

export const intAttribute = (name: string, value: number) => ({
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

/** The whole numbers of an attribute, one or a list; `undefined` where it is left out. */
export function intsOf({ attributes }: OnnxNode, name: string): bigint[] | undefined {
  const attribute = attributes.find((one) => one.name === name);
  return attribute && intsIn(attribute.bytes);
}

/** `AttributeProto.i` and `.ints`, packed or not. */
export function intsIn(bytes: Uint8Array): bigint[] {
  const ints: bigint[] = [];
  for (const { number, start, end } of fieldsOf(bytes)) {
    if (number !== 3 && number !== 8) continue;
    for (let at = start; at < end;) {
      let [value, shift] = [0n, 0n];
      for (let more = true; more && at < end; shift += 7n) {
        const byte = bytes[at++]!;
        value |= BigInt(byte & 0x7f) << shift;
        more = byte >= 0x80;
      }
      ints.push(BigInt.asIntN(64, value));
    }
  }
  return ints;
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
