import type { Tensor, TensorType } from "../../kernel/ports/model-pools.ts";
import { toHalf } from "../../kernel/half.ts";

type Data = Tensor["data"];

/** Puts a JSON value into a tensor's data; tells whether the type can hold it. */
export type Setter = (data: Data, at: number, value: unknown) => boolean;

const MAX_FLOAT32 = 3.402_823_466_385_288_6e38;
const MAX_FLOAT16 = 65_504;
const MAX_INT64 = 2n ** 63n - 1n;

const float =
  (max: number): Setter =>
  (data, at, value) => {
    if (typeof value !== "number") return false;
    (data as Float64Array)[at] = value;
    return value <= max && value >= -max;
  };

const integer =
  (min: number, max: number): Setter =>
  (data, at, value) => {
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) return false;
    (data as Int32Array)[at] = value as number;
    return true;
  };

const float16: Setter = (data, at, value) => {
  if (typeof value !== "number" || Math.abs(value) > MAX_FLOAT16) return false;
  (data as Uint16Array)[at] = toHalf(value);
  return true;
};

const int64: Setter = (data, at, value) => {
  const isWhole = Number.isSafeInteger(value) || (typeof value === "string" && /^-?\d{1,19}$/.test(value));
  if (!isWhole) return false;
  const wide = BigInt(value as number | string);
  (data as BigInt64Array)[at] = wide;
  return wide <= MAX_INT64 && wide >= -MAX_INT64 - 1n;
};

const bool: Setter = (data, at, value) => {
  if (value !== true && value !== false && value !== 0 && value !== 1) return false;
  (data as Uint8Array)[at] = Number(value);
  return true;
};

const string: Setter = (data, at, value) => {
  if (typeof value !== "string") return false;
  (data as string[])[at] = value;
  return true;
};

interface Kind {
  allocate(length: number): Data;
  set: Setter;
  /** What a value has to be, for people. */
  expected: string;
}

export const KINDS: Record<TensorType, Kind> = {
  float32: { allocate: (n) => new Float32Array(n), set: float(MAX_FLOAT32), expected: "a number" },
  float64: { allocate: (n) => new Float64Array(n), set: float(Number.MAX_VALUE), expected: "a number" },
  float16: { allocate: (n) => new Uint16Array(n), set: float16, expected: "a number within ±65504" },
  int8: {
    allocate: (n) => new Int8Array(n),
    set: integer(-128, 127),
    expected: "a whole number from -128 to 127",
  },
  uint8: {
    allocate: (n) => new Uint8Array(n),
    set: integer(0, 255),
    expected: "a whole number from 0 to 255",
  },
  int32: {
    allocate: (n) => new Int32Array(n),
    set: integer(-(2 ** 31), 2 ** 31 - 1),
    expected: "a whole number of 32 bits",
  },
  int64: {
    allocate: (n) => new BigInt64Array(n),
    set: int64,
    expected: "a whole number (as text beyond 2^53)",
  },
  bool: { allocate: (n) => new Uint8Array(n), set: bool, expected: "true or false" },
  string: { allocate: (n) => Array.from<string>({ length: n }).fill(""), set: string, expected: "a text" },
};

/** Whether the type knows NaN, which stands for a missing value. */
export const isFloat = (type: TensorType): boolean =>
  type === "float32" || type === "float64" || type === "float16";

export function putMissing(type: TensorType, data: Data, at: number): void {
  if (type === "float16") (data as Uint16Array)[at] = toHalf(Number.NaN);
  else (data as Float32Array)[at] = Number.NaN;
}

/** More values than a body of 4 MB can spell; a claim of more is refused before anything is allocated. */
export const MAX_VALUES = 4_000_000;
/** Rows one call may bring. */
export const MAX_ROWS = 10_000;
