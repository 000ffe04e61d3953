import { expect, test } from "vitest";
import { isMissing, kindOf } from "./cells.ts";
import { readTable } from "./csv.ts";
import { parseJob } from "./job.ts";
import { createPacer } from "./pacer.ts";
import { prepare } from "./prepare.ts";
import { catalogFile, CONFIG, writeText, type RawConfig } from "./test/harness.ts";

async function prepareFile(path: string, config: RawConfig = {}) {
  const job = parseJob({ data: path, output: "-", config: { ...CONFIG, ...config } });
  return prepare(await readTable(path), job.config, createPacer());
}

const prepareText = (content: string, config?: RawConfig) => prepareFile(writeText(content), config);

/** `rows` lines made of the row number. */
const csv = (header: string, rows: number, line: (row: number) => string) =>
  `${header}\n${Array.from({ length: rows }, (_, row) => line(row)).join("\n")}\n`;

test("knows missing values and numbers", () => {
  expect(["", "NA", "na", "NaN", "NULL", "?"].every(isMissing)).toBe(true);
  expect(["0", "none", "N/A", "nano"].some(isMissing)).toBe(false);
  const kind = (...cells: string[]) => kindOf(cells, Int32Array.from(cells.keys()));
  expect(kind("1", "-2.5", "+.5", "1e-3", "NA", "7.")).toBe("numeric");
  for (const odd of ["0x1F", "1,5", "Infinity", "1_000", "1e999", "-", "12a"])
    expect(kind("1", odd)).toBe("categorical");
});

test("splits each class in the same proportion and keeps the sides apart", async () => {
  const { split, target } = await prepareFile(catalogFile("iris.csv"));
  expect(split.train.length).toBe(120);
  const labels = target.task === "classification" ? target.labels : [];
  for (const label of [0, 1, 2])
    expect([...split.test].filter((position) => labels[position] === label).length).toBe(10);
  expect(new Set([...split.train, ...split.test]).size).toBe(150);
});

test("a class of one row goes to training", async () => {
  const { split, target } = await prepareText(
    csv("x,y", 21, (row) => `${row},${row === 0 ? "rare" : row % 2}`),
  );
  if (target.task !== "classification") throw new Error("expected classes");
  const rare = target.classes.indexOf("rare");
  expect([...split.test].some((position) => target.labels[position] === rare)).toBe(false);
});

test("statistics and categories come from the training rows only", async () => {
  const { encoder, split, inputs, target } = await prepareText(
    csv("x,id,y", 60, (row) => `${row},id${row},${row % 2}`),
  );
  const [numeric] = encoder.numeric;
  const values = [...split.train].map((position) => target.rows[position]!);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(numeric!.mean).toBe(Math.fround(mean));
  expect(encoder.categorical[0]!.categories.length).toBe(split.train.length);
  expect([...split.test].map((position) => inputs.active[position])).toEqual(
    Array(split.test.length).fill(-1),
  );
});

test("missing numbers become the mean, missing categories all zeros, constant columns 0", async () => {
  const { inputs, encoder } = await prepareText(
    csv("x,one,c,y", 40, (row) => `${row === 3 ? "NA" : row},5,${row === 4 ? "?" : "c"},${row % 2}`),
  );
  expect(encoder.numeric.map((feature) => feature.name)).toEqual(["x", "one"]);
  expect(inputs.numeric[3 * 2]).toBe(0);
  expect(inputs.numeric[0]).not.toBe(0);
  expect([...inputs.numeric].filter((_, at) => at % 2 === 1).every((value) => value === 0)).toBe(true);
  expect([inputs.active[3], inputs.active[4]]).toEqual([2, -1]);
});

test("drops rows without a target and leaves out columns without a value", async () => {
  const prepared = await prepareText(csv("x,empty,y", 40, (row) => `${row},,${row < 5 ? "NA" : row % 2}`));
  expect(prepared.droppedRows).toBe(5);
  expect(prepared.encoder.features.map((feature) => feature.name)).toEqual(["x"]);
});

test.each([
  ["text is classification", (row: number) => `c${row % 3}`, "classification"],
  ["few whole numbers are classification", (row: number) => `${row % 20}`, "classification"],
  ["many whole numbers are regression", (row: number) => `${row % 21}`, "regression"],
  ["fractions are regression", (row: number) => `${(row % 2) / 2}`, "regression"],
])("%s", async (_name, y, task) => {
  expect((await prepareText(csv("x,y", 84, (row) => `${row},${y(row)}`))).target.task).toBe(task);
});

test("numeric classes are ordered as numbers and spelled once", async () => {
  const spellings = ["10", "2.0", "2", "-1"];
  const { target } = await prepareText(csv("x,y", 40, (row) => `${row},${spellings[row % 4]}`));
  expect(target.task === "classification" && target.classes).toEqual(["-1", "2", "10"]);
});

test.each([
  [
    "a target that is not there",
    csv("x,y", 40, (row) => `${row},${row % 2}`),
    { target: "z" },
    'no column "z"',
  ],
  ["one class only", csv("x,y", 40, (row) => `${row},a`), {}, 'one class only: "a"'],
  ["a target without values", csv("x,y", 40, (row) => `${row},NA`), {}, "no row has a value"],
  ["too many classes", csv("x,y", 1100, (row) => `${row},c${row}`), {}, "1100 classes, more than 1000"],
  ["regression of text", csv("x,y", 40, (row) => `${row},a`), { task: "regression" }, "is not numeric"],
  ["a constant to regress", csv("x,y", 40, (row) => `${row},1.5`), {}, "one value only"],
  [
    "one row left for the test",
    csv("x,y", 8, (row) => `${row},${row + 0.5}`),
    { test_fraction: 0.1 },
    "1 of 8",
  ],
  ["too many categories", csv("id,y", 12_600, (row) => `n${row},${row % 2}`), {}, "more than 10000"],
  ["nothing to learn from", csv("x,y", 40, (row) => `,${row % 2}`), {}, "no input column"],
  [
    "numbers beyond float32",
    csv("x,y", 40, (row) => `${row}e38,${row % 2}`),
    {},
    "beyond the range of float32",
  ],
])("refuses %s", async (_name, content, config, message) => {
  await expect(prepareText(content, config)).rejects.toThrow(message);
});
