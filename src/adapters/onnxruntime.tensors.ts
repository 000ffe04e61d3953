import * as ort from "onnxruntime-web/wasm";
import type { Tensor, TensorType } from "../kernel/ports/model-pools.ts";

const halfArray = (
  globalThis as { Float16Array?: new (buffer: ArrayBufferLike, offset: number, length: number) => unknown }
).Float16Array;

// Where the engine has Float16Array, ONNX Runtime wants it; between us halves travel as raw 16-bit words.
const toHalves = (words: Uint16Array): unknown =>
  halfArray ? new halfArray(words.buffer, words.byteOffset, words.length) : words;

const fromHalves = (halves: ArrayBufferView): Uint16Array =>
  new Uint16Array(halves.buffer as ArrayBuffer, halves.byteOffset, halves.byteLength / 2);

/** Our tensor as ONNX Runtime's; no data is copied. */
export function toOrt({ type, shape, data }: Tensor): ort.Tensor {
  const native = type === "float16" ? toHalves(data as Uint16Array) : data;
  return new ort.Tensor(type as "float32", native as Float32Array, shape);
}

/** ONNX Runtime's tensor as ours; the data is already a copy outside the wasm heap. */
export function fromOrt(tensor: ort.Tensor): Tensor {
  const type = tensor.type as TensorType;
  const data = type === "float16" ? fromHalves(tensor.data as unknown as ArrayBufferView) : tensor.data;
  return { type, shape: [...tensor.dims], data: data as Tensor["data"] };
}
