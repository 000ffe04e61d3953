import { MalformedFile } from "./byte-source.ts";
import { elementsOf } from "./model-file.ts";

/** What is not in C order is put in order in memory, which has room for this much. */
const MAX_BYTES = 32_000_000;

/** The strides, in elements, of a tensor in C order. */
export function contiguousStrides(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let step = 1;
  for (const size of shape.toReversed()) {
    strides.unshift(step);
    step *= size;
  }
  return strides;
}

/** Whether elements with these strides lie in C order; how far apart those of a size of one would be is no matter. */
export function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  if (elementsOf(shape) === 0) return true;
  const plain = contiguousStrides(shape);
  return shape.every((size, i) => size === 1 || strides[i] === plain[i]);
}

/** How many elements lie between the first and the last, both included. */
export const extentOf = (shape: readonly number[], strides: readonly number[]): number =>
  elementsOf(shape) === 0 ? 0 : shape.reduce((far, size, i) => far + (size - 1) * strides[i]!, 1);

/** The elements in C order. */
export function gathered(
  bytes: Uint8Array,
  elementBytes: number,
  shape: readonly number[],
  strides: readonly number[],
): Uint8Array {
  const out = new Uint8Array(elementsOf(shape) * elementBytes);
  const place = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length; to += elementBytes) {
    out.set(bytes.subarray(from * elementBytes, (from + 1) * elementBytes), to);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++place[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      place[axis] = 0;
    }
  }
  return out;
}

export function checkGatherable(name: string, bytes: number): void {
  if (bytes > MAX_BYTES)
    throw new MalformedFile(
      `“${name}” is not in C order and larger than the ${MAX_BYTES} bytes that are put in order`,
    );
}
