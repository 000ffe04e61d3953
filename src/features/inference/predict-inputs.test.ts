import { describe, expect, it } from "vitest";
import { AppError } from "../../kernel/errors.ts";
import type { ModelSignature, Tensor, TensorInfo } from "../../kernel/ports/model-pools.ts";
import { parseInputs } from "./predict-inputs.ts";

const model = (inputs: TensorInfo[], over: Partial<ModelSignature> = {}): ModelSignature => ({
  inputs,
  outputs: [],
  task: null,
  labels: null,
  features: null,
  layerCount: 0,
  ...over,
});

const plain = model([{ name: "x", type: "float32", shape: ["n", 3] }]);
const image = model([{ name: "pixels", type: "float32", shape: ["n", 1, 2, 2] }]);
const list = model([{ name: "x", type: "float32", shape: ["n"] }]);
const fixed = model([{ name: "x", type: "float32", shape: [2, 2] }]);
const free = model([{ name: "x", type: "float32", shape: ["n", "m"] }]);
const ids = model([{ name: "ids", type: "int64", shape: ["n", 2] }]);
const flags = model([{ name: "f", type: "bool", shape: ["n", 2] }]);
const small = model([{ name: "b", type: "uint8", shape: ["n", 1] }]);
const two = model([
  { name: "a", type: "float32", shape: ["n", 2] },
  { name: "b", type: "string", shape: ["n", 1] },
]);
const scalars = model([
  { name: "age", type: "float32", shape: ["n", 1] },
  { name: "city", type: "string", shape: ["n"] },
]);
/** As the built-in trainer exports: numeric features share one input, each text feature has its own. */
const mixed = model(
  [
    { name: "features", type: "float32", shape: ["batch", 2] },
    { name: "island", type: "string", shape: ["batch", 1] },
  ],
  {
    features: [
      { name: "bill", kind: "numeric" },
      { name: "island", kind: "categorical", categories: ["Biscoe", "Dream"] },
      { name: "mass", kind: "numeric" },
    ],
  },
);
const ordinal = model([{ name: "x", type: "float32", shape: [null, 2] }], {
  features: [
    { name: "size", kind: "numeric" },
    { name: "color", kind: "categorical", categories: ["red", "blue"] },
  ],
});

const read = (signature: ModelSignature, inputs: unknown) =>
  Object.fromEntries(
    Object.entries(parseInputs(signature, JSON.parse(JSON.stringify(inputs)))).map(
      ([name, { shape, data }]: [string, Tensor]) => [name, [shape, Array.from(data as ArrayLike<unknown>)]],
    ),
  );

const GOOD: [string, ModelSignature, unknown, Record<string, [number[], unknown[]]>][] = [
  [
    "rows",
    plain,
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
    {
      x: [
        [2, 3],
        [1, 2, 3, 4, 5, 6],
      ],
    },
  ],
  [
    "a flat list as one row",
    plain,
    [1, 2, 3],
    {
      x: [
        [1, 3],
        [1, 2, 3],
      ],
    },
  ],
  ["a number as one row of one", small, 7, { b: [[1, 1], [7]] }],
  ["a flat list as values of a list model", list, [1, 2], { x: [[2], [1, 2]] }],
  [
    "the input by name",
    plain,
    { x: [[1, 2, 3]] },
    {
      x: [
        [1, 3],
        [1, 2, 3],
      ],
    },
  ],
  [
    "one row of the input by name",
    plain,
    { x: [1, 2, 3] },
    {
      x: [
        [1, 3],
        [1, 2, 3],
      ],
    },
  ],
  [
    "a typed tensor",
    plain,
    { x: { data: [1, 2, 3], shape: [1, 3], type: "float32" } },
    {
      x: [
        [1, 3],
        [1, 2, 3],
      ],
    },
  ],
  [
    "a typed tensor without shape",
    plain,
    { x: { data: [[1, 2, 3]] } },
    {
      x: [
        [1, 3],
        [1, 2, 3],
      ],
    },
  ],
  [
    "an image as it is",
    image,
    [
      [
        [
          [1, 2],
          [3, 4],
        ],
      ],
    ],
    {
      pixels: [
        [1, 1, 2, 2],
        [1, 2, 3, 4],
      ],
    },
  ],
  [
    "one image",
    image,
    [
      [
        [1, 2],
        [3, 4],
      ],
    ],
    {
      pixels: [
        [1, 1, 2, 2],
        [1, 2, 3, 4],
      ],
    },
  ],
  [
    "flat images",
    image,
    [
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ],
    {
      pixels: [
        [2, 1, 2, 2],
        [1, 2, 3, 4, 5, 6, 7, 8],
      ],
    },
  ],
  [
    "one flat image",
    image,
    [1, 2, 3, 4],
    {
      pixels: [
        [1, 1, 2, 2],
        [1, 2, 3, 4],
      ],
    },
  ],
  [
    "as many rows as a fixed model takes",
    fixed,
    [
      [1, 2],
      [3, 4],
    ],
    {
      x: [
        [2, 2],
        [1, 2, 3, 4],
      ],
    },
  ],
  [
    "any width where the model leaves it open",
    free,
    [[1, 2]],
    {
      x: [
        [1, 2],
        [1, 2],
      ],
    },
  ],
  [
    "whole numbers beyond 2^53 as text",
    ids,
    [[1, "9007199254740993"]],
    {
      ids: [
        [1, 2],
        [1n, 9007199254740993n],
      ],
    },
  ],
  [
    "true, false, 0 and 1",
    flags,
    [[true, 0]],
    {
      f: [
        [1, 2],
        [1, 0],
      ],
    },
  ],
  [
    "several tensors",
    two,
    { a: [[1, 2]], b: [["x"]] },
    {
      a: [
        [1, 2],
        [1, 2],
      ],
      b: [[1, 1], ["x"]],
    },
  ],
  [
    "a list for an input of single values",
    two,
    {
      a: [
        [1, 2],
        [3, 4],
      ],
      b: ["x", "y"],
    },
    {
      a: [
        [2, 2],
        [1, 2, 3, 4],
      ],
      b: [
        [2, 1],
        ["x", "y"],
      ],
    },
  ],
  [
    "inputs of single values as a row",
    scalars,
    [[30, "Bern"]],
    { age: [[1, 1], [30]], city: [[1], ["Bern"]] },
  ],
  [
    "inputs of single values as objects",
    scalars,
    [{ city: "Bern", age: 30 }],
    { age: [[1, 1], [30]], city: [[1], ["Bern"]] },
  ],
  [
    "numbers and texts in feature order",
    mixed,
    [[1, "Dream", 2]],
    {
      features: [
        [1, 2],
        [1, 2],
      ],
      island: [[1, 1], ["Dream"]],
    },
  ],
  [
    "one mixed row",
    mixed,
    [1, "Dream", 2],
    {
      features: [
        [1, 2],
        [1, 2],
      ],
      island: [[1, 1], ["Dream"]],
    },
  ],
  [
    "missing values",
    mixed,
    [[null, null, 2]],
    {
      features: [
        [1, 2],
        [Number.NaN, 2],
      ],
      island: [[1, 1], [""]],
    },
  ],
  [
    "an unknown category, which the model knows to handle",
    mixed,
    [[1, "Atlantis", 2]],
    {
      features: [
        [1, 2],
        [1, 2],
      ],
      island: [[1, 1], ["Atlantis"]],
    },
  ],
  [
    "categories that look like numbers",
    mixed,
    [[1, 3, 2]],
    {
      features: [
        [1, 2],
        [1, 2],
      ],
      island: [[1, 1], ["3"]],
    },
  ],
  [
    "rows by name",
    mixed,
    [{ mass: 2, bill: 1, island: "x" }],
    {
      features: [
        [1, 2],
        [1, 2],
      ],
      island: [[1, 1], ["x"]],
    },
  ],
  [
    "columns by name",
    mixed,
    { mass: [2, 4], bill: [1, 3], island: ["x", "y"] },
    {
      features: [
        [2, 2],
        [1, 2, 3, 4],
      ],
      island: [
        [2, 1],
        ["x", "y"],
      ],
    },
  ],
  [
    "one row as an object",
    mixed,
    { mass: 2, bill: 1, island: "x" },
    {
      features: [
        [1, 2],
        [1, 2],
      ],
      island: [[1, 1], ["x"]],
    },
  ],
  [
    "tensors of a model with features",
    mixed,
    { features: [[1, 2]], island: [["x"]] },
    {
      features: [
        [1, 2],
        [1, 2],
      ],
      island: [[1, 1], ["x"]],
    },
  ],
  [
    "categories as their place",
    ordinal,
    [[1, "blue"]],
    {
      x: [
        [1, 2],
        [1, 1],
      ],
    },
  ],
];

const BAD: [string, ModelSignature, unknown, Record<string, unknown>][] = [
  ["nothing", plain, null, {}],
  ["an empty list", plain, [], {}],
  ["an empty row", plain, [[]], { row: 0 }],
  [
    "a short row",
    plain,
    [
      [1, 2, 3],
      [1, 2],
    ],
    {},
  ],
  ["a long row", plain, [[1, 2, 3, 4]], { row: 0, expected: 3, given: 4 }],
  ["ragged images", image, [[[[1, 2], [3]]]], {}],
  ["a text among numbers", plain, [[1, "2", 3]], { at: "inputs[0][1]", expected: "a number", given: '"2"' }],
  ["a hole without declared features", plain, [[1, null, 3]], { at: "inputs[0][1]", given: "null" }],
  ["true as a number", plain, [[1, true, 3]], { given: "true" }],
  ["a number float32 cannot hold", plain, [[1, 1e39, 3]], { at: "inputs[0][1]" }],
  ["a list as a value", plain, [[1, [2], 3]], { given: "a list of 1" }],
  ["too deep", plain, [[[1, 2, 3]]], {}],
  ["too few rows for a fixed model", fixed, [[1, 2]], {}],
  ["a fraction", ids, [[1, 1.5]], { given: "1.5" }],
  ["an unsafe number", ids, [[1, 2 ** 60]], {}],
  ["beyond 64 bits", ids, [[1, "9223372036854775808"]], {}],
  ["out of a byte", small, [[256]], {}],
  ["two for true", flags, [[2, 0]], {}],
  ["rows for several inputs", two, [[1, 2, "x"]], { expected: ["a", "b"] }],
  ["an input left out", two, { a: [[1, 2]] }, { input: "b" }],
  ["a strange input", two, { a: [[1, 2]], b: [["x"]], c: 1 }, { given: "c" }],
  ["names without features", plain, [{ x: 1 }], {}],
  ["a wrong type", plain, { x: { data: [1, 2, 3], shape: [1, 3], type: "int64" } }, { expected: "float32" }],
  ["a shape of another size", plain, { x: { data: [1, 2], shape: [1, 3] } }, { expected: 3, given: 2 }],
  ["a negative shape", plain, { x: { data: [], shape: [-1, 3] } }, { input: "x" }],
  ["a gigantic claim", free, { x: { data: [1], shape: [100_000, 100_000] } }, {}],
  ["text for a numeric feature", mixed, [["1", "Dream", 2]], { row: 0, feature: "bill" }],
  [
    "a mixed row too short",
    mixed,
    [
      [1, "Dream", 2],
      [1, "Dream"],
    ],
    { row: 1, expected: 3, given: 2 },
  ],
  ["a row lacking a feature", mixed, [{ mass: 2, bill: 1 }], { row: 0, feature: "island" }],
  [
    "a row with a strange feature",
    mixed,
    [{ mass: 2, bill: 1, island: "x", age: 3 }],
    { row: 0, given: "age" },
  ],
  ["columns of unequal length", mixed, { mass: [2], bill: [1, 3], island: ["x", "y"] }, { feature: "mass" }],
  ["a strange column", mixed, { mass: [2], bill: [1], isle: ["x"] }, { given: "isle" }],
  ["empty columns", mixed, { mass: [], bill: [], island: [] }, {}],
  ["an object as category", mixed, [[1, {}, 2]], { feature: "island" }],
  ["an unknown ordinal", ordinal, [[1, "green"]], { feature: "color", given: '"green"' }],
  ["a missing ordinal", ordinal, [[1, null]], { feature: "color" }],
  ["an object then a list", mixed, [{ mass: 2, bill: 1, island: "x" }, [1, "x", 2]], { row: 1 }],
  ["a list then an object", mixed, [[1, "x", 2], { mass: 2 }], { row: 1 }],
  [
    "too many rows",
    plain,
    Array.from({ length: 10_001 }, () => [1, 2, 3]),
    { expected: 10_000, given: 10_001 },
  ],
  ["too many named rows", mixed, Array.from({ length: 10_001 }, () => [1, "x", 3]), { expected: 10_000 }],
  [
    "many empty lists before a long one",
    free,
    [Array.from({ length: 5000 }, () => 1), ...Array.from({ length: 5000 }, () => [])],
    {},
  ],
  ["an empty object", plain, {}, {}],
];

describe("parseInputs", () => {
  for (const [name, signature, inputs, expected] of GOOD) {
    it(`reads ${name}`, () => expect(read(signature, inputs)).toEqual(expected));
  }

  for (const [name, signature, inputs, details] of BAD) {
    it(`refuses ${name}`, () => {
      let thrown: unknown;
      try {
        parseInputs(signature, JSON.parse(JSON.stringify(inputs)));
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(AppError);
      expect(thrown).toMatchObject({ code: "INVALID_INPUT", kind: "invalid" });
      expect((thrown as AppError).details ?? {}).toMatchObject(details);
      expect((thrown as AppError).message.length).toBeLessThan(600);
    });
  }

  it("refuses a missing `inputs`", () => {
    expect(() => parseInputs(plain, undefined)).toThrow("`inputs` is missing");
  });

  it("never throws anything but a refusal, whatever comes", () => {
    const pieces = [
      null,
      true,
      0,
      -1,
      1.5,
      "",
      "x",
      [],
      [[]],
      [[[]]],
      {},
      { x: 1 },
      { data: 1 },
      { data: [], shape: [] },
      { __proto__: 1 },
    ];
    for (const signature of [plain, image, list, fixed, free, ids, flags, two, scalars, mixed, ordinal]) {
      for (const a of pieces) {
        for (const b of pieces) {
          for (const inputs of [
            a,
            [a],
            [a, b],
            [[a, b]],
            { x: a, features: b },
            { x: { data: a, shape: b } },
            { a, b },
          ]) {
            try {
              parseInputs(signature, inputs);
            } catch (error) {
              expect(error).toBeInstanceOf(AppError);
            }
          }
        }
      }
    }
  });
});
