import type { Tensor } from "../../kernel/ports/model-pools.ts";
import { sizeOf } from "./tensor-check.ts";

type Tensors = Record<string, Tensor>;
type TypedData = Exclude<Tensor["data"], string[]>;

/** What tensors must share, axis 0 aside, to be put one below the other. */
export const joinKey = (inputs: Tensors): string =>
  Object.keys(inputs)
    .sort()
    .map((name) => `${name}:${inputs[name]!.type}:${inputs[name]!.shape.slice(1).join("x")}`)
    .join("|");

function concatData(parts: Tensor["data"][]): Tensor["data"] {
  const [first] = parts as [Tensor["data"], ...Tensor["data"][]];
  if (Array.isArray(first)) return (parts as string[][]).flat();
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const joined = new (first.constructor as new (length: number) => TypedData)(length);
  let at = 0;
  for (const part of parts as TypedData[]) {
    (joined as Float32Array).set(part as Float32Array, at);
    at += part.length;
  }
  return joined;
}

/** Puts the inputs of several calls one below the other; they must have the same `joinKey`. */
export function joinRows(calls: Tensors[]): Tensors {
  const joined: Tensors = {};
  for (const [name, { type, shape }] of Object.entries(calls[0]!)) {
    const rows = calls.reduce((sum, call) => sum + call[name]!.shape[0]!, 0);
    joined[name] = {
      type,
      shape: [rows, ...shape.slice(1)],
      data: concatData(calls.map((call) => call[name]!.data)),
    };
  }
  return joined;
}

/** Deals the rows of joined outputs back; `undefined` when an output does not have one entry for each row. */
export function splitRows(outputs: Tensors, rowsOf: number[]): Tensors[] | undefined {
  const total = rowsOf.reduce((sum, rows) => sum + rows, 0);
  const tensors = Object.entries(outputs);
  if (tensors.some(([, { shape }]) => shape[0] !== total)) return undefined;
  let from = 0;
  return rowsOf.map((rows) => {
    const own: Tensors = {};
    for (const [name, { type, shape, data }] of tensors) {
      const stride = sizeOf(shape.slice(1));
      // A copy, not a view: a view would drag the whole buffer through RPC.
      own[name] = {
        type,
        shape: [rows, ...shape.slice(1)],
        data: data.slice(from * stride, (from + rows) * stride) as Tensor["data"],
      };
    }
    from += rows;
    return own;
  });
}
