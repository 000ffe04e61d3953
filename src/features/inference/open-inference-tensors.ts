import type { ModelSignature, Tensor, TensorInfo, TensorType } from "../../kernel/ports/model-pools.ts";
import { invalidInput } from "./inference.errors.ts";
import { describe, isObject } from "./input-columns.ts";
import { parseTyped } from "./input-tensors.ts";
import type { Datatype } from "./open-inference.schema.ts";
import { valueAt } from "./predict-outputs.ts";
import { MAX_ROWS, MAX_VALUES } from "./tensor-fill.ts";

const DATATYPE: Record<TensorType, Datatype> = {
  ...{ bool: "BOOL", uint8: "UINT8", int8: "INT8", int32: "INT32", int64: "INT64" },
  ...{ float16: "FP16", float32: "FP32", float64: "FP64", string: "BYTES" },
};

/** What a model takes or gives, in the protocol's words. */
export const tensorMetadata = ({ name, type, shape }: TensorInfo) => ({
  name,
  datatype: DATATYPE[type],
  shape: shape.map((size) => (typeof size === "number" ? size : -1)),
});

/** Nested lists in row-major order as one; clients send either. */
function flat(value: unknown, into: unknown[] = [], depth = 0): unknown[] {
  if (!Array.isArray(value) || depth > 8) into.push(value);
  else for (const item of value) flat(item, into, depth + 1);
  if (into.length > MAX_VALUES) throw invalidInput(`A tensor may hold ${MAX_VALUES} values.`);
  return into;
}

function tensorOf(info: TensorInfo, given: Record<string, unknown>): Tensor {
  const { datatype, shape, data } = given;
  const expected = DATATYPE[info.type];
  if (datatype !== expected) {
    throw invalidInput(`inputs.${info.name}.datatype: the model takes ${expected}.`, {
      ...{ input: info.name, expected, given: describe(datatype) },
    });
  }
  if (!Array.isArray(data))
    throw invalidInput(`inputs.${info.name}.data: expected a list.`, { input: info.name });
  const tensor = parseTyped(info, { shape: shape ?? [], data: flat(data) });
  const [rows = 1] = tensor.shape;
  if (rows > MAX_ROWS)
    throw invalidInput(`At most ${MAX_ROWS} rows fit one call; the input "${info.name}" has ${rows}.`);
  return tensor;
}

/** Reads the tensors of a request: each input of the model, once. */
export function readTensors({ inputs }: ModelSignature, given: unknown[]): Record<string, Tensor> {
  const tensors: Record<string, Tensor> = {};
  for (const [i, input] of given.entries()) {
    if (!isObject(input)) throw invalidInput(`inputs[${i}]: expected an object, got ${describe(input)}.`);
    const info = inputs.find(({ name }) => name === input["name"]);
    if (!info) {
      const expected = inputs.map(({ name }) => name);
      throw invalidInput(`inputs[${i}].name: the model has no such input.`, { expected });
    }
    if (Object.hasOwn(tensors, info.name)) throw invalidInput(`The input "${info.name}" is there twice.`);
    tensors[info.name] = tensorOf(info, input);
  }
  const missing = inputs.find(({ name }) => !Object.hasOwn(tensors, name));
  if (missing) throw invalidInput(`The input "${missing.name}" is missing.`, { input: missing.name });
  return tensors;
}

/** The outputs asked for, or all, in the order of the model. */
export function writeTensors(
  { outputs }: ModelSignature,
  computed: Record<string, Tensor>,
  wanted: readonly { name: string }[] | undefined,
) {
  const names = wanted?.map(({ name }) => name) ?? outputs.map(({ name }) => name);
  return names.map((name) => {
    const tensor = computed[name]!;
    const data = Array.from({ length: tensor.data.length }, (_, at) => valueAt(tensor, at));
    return { name, shape: tensor.shape, datatype: DATATYPE[tensor.type], data };
  });
}

/** Refuses an output the model does not have, before it is run. */
export function checkWanted(
  { outputs }: ModelSignature,
  wanted: readonly { name: string }[] | undefined,
): void {
  const stranger = wanted?.find(({ name }) => !outputs.some((output) => output.name === name));
  if (stranger) {
    const expected = outputs.map(({ name }) => name);
    throw invalidInput(`The model has no output "${stranger.name}".`, { expected });
  }
}
