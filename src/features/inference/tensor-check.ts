import type { ModelSignature, Tensor, TensorInfo } from "../../kernel/ports/model-pools.ts";

export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, dim) => size * dim, 1);

/** A shape for people: `[batch, 4]`. */
export const shapeText = (shape: readonly (number | string | null)[]): string =>
  `[${shape.map((dim) => dim ?? "?").join(", ")}]`;

const fits = (shape: readonly number[], expected: TensorInfo["shape"]): boolean =>
  shape.length === expected.length &&
  shape.every((dim, i) => dim > 0 && (typeof expected[i] !== "number" || expected[i] === dim));

function faultOf(info: TensorInfo, tensor: Tensor | undefined): string | undefined {
  if (!tensor) return `The input "${info.name}" is missing.`;
  if (tensor.type !== info.type) return `The input "${info.name}" must be ${info.type}, not ${tensor.type}.`;
  if (!fits(tensor.shape, info.shape)) {
    return `The input "${info.name}" must have the shape ${shapeText(info.shape)}, not ${shapeText(tensor.shape)}.`;
  }
  if (tensor.data.length !== sizeOf(tensor.shape)) {
    return `The input "${info.name}" has ${tensor.data.length} values, its shape wants ${sizeOf(tensor.shape)}.`;
  }
  return undefined;
}

/** What is wrong with the inputs of a call, if anything: checked before calls are joined, so that none spoils another's. */
export function checkInputs(signature: ModelSignature, inputs: Record<string, Tensor>): string | undefined {
  for (const info of signature.inputs) {
    const fault = faultOf(info, inputs[info.name]);
    if (fault) return fault;
  }
  const known = signature.inputs.length;
  if (Object.keys(inputs).length === known) return undefined;
  const extra = Object.keys(inputs).find((name) => !signature.inputs.some((info) => info.name === name));
  return `The model has no input "${extra}".`;
}

const growsByRow = ({ shape }: TensorInfo): boolean => shape.length > 0 && typeof shape[0] !== "number";

/** Whether the model takes and gives any number of rows, as far as its shapes tell. */
export const isRowWise = ({ inputs, outputs }: ModelSignature): boolean =>
  inputs.length > 0 && outputs.length > 0 && inputs.every(growsByRow) && outputs.every(growsByRow);

/** The number of rows all inputs agree on; `undefined` where they do not. */
export function commonRows(inputs: Record<string, Tensor>): number | undefined {
  let rows: number | undefined;
  for (const name in inputs) {
    const own = inputs[name]!.shape[0];
    if (own === undefined || (rows !== undefined && rows !== own)) return undefined;
    rows = own;
  }
  return rows;
}
