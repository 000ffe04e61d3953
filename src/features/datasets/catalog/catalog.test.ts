import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { BUILTIN_DATASETS, type BuiltinDataset } from "./catalog.data.ts";

const FOLDER = new URL("./", import.meta.url);

/** Pinned, so that no data changes by accident. */
const SHA256: Record<string, string> = {
  "iris.csv": "9cc1c345c71bcc9b486b74cbf6063fa66f4bb5e0f603a4b3c3471ec2e5e8e355",
  "penguins.csv": "f5a505b2fcaa8c1e4a5f79df2bc35dfe05c172e9edf42948eecbe6b05633de00",
  "wine-quality.csv": "10aabbd4cdc92b3e690032274f3acee392e6940ec786abb548120781480fe7c3",
  "breast-cancer.csv": "518936fa92ca3d8a78c420aee22030c4e519ffcba3be15dd23e83f2fc22e20e5",
  "digits.csv": "ba6ee5aa91a99912e5e4e601339a3d45bb1c136a5df153daf68d7a8e45a04ce5",
};

const all: readonly BuiltinDataset[] = BUILTIN_DATASETS;
const shipped = all.flatMap((dataset) => (dataset.file ? [{ ...dataset, file: dataset.file }] : []));

const read = (file: string) => readFileSync(new URL(file, FOLDER), "utf8");

/** None of the shipped files has a quoted value, which the test itself checks. */
function parse(file: string): { header: string[]; rows: string[][] } {
  const [header, ...rows] = read(file)
    .trimEnd()
    .split("\n")
    .map((line) => line.split(","));
  return { header: header!, rows };
}

test("every dataset has an id of its own, and the eleven of the reference are known", () => {
  const ids = all.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const reference =
    "mnist fashion-mnist cifar-10 cifar-100 iris wine-quality breast-cancer boston-housing imdb ag-news speech-commands";
  expect(ids).toEqual(expect.arrayContaining(reference.split(" ")));
});

test("the files of this folder are those of the table", () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".csv"));
  expect(files.sort()).toEqual(shipped.map(({ file }) => file).sort());
});

test.each(shipped)("$file holds what the table says", ({ file, target, ...dataset }) => {
  const { header, rows } = parse(file);
  expect(read(file)).not.toMatch(/["\r\ufeff]/);
  expect(rows.length).toBe(dataset.num_samples);
  expect(header.length).toBe(dataset.num_features + 1);
  expect(header.at(-1)).toBe(target);
  expect(new Set(header).size).toBe(header.length);
  expect(rows.every((row) => row.length === header.length)).toBe(true);
  expect(new Set(rows.map((row) => row.at(-1))).size).toBe(dataset.num_classes);
});

test.each(shipped)("$file is unchanged", ({ file }) => {
  expect(createHash("sha256").update(read(file)).digest("hex")).toBe(SHA256[file]);
});

test("iris has the values of Fisher's paper in rows 35 and 38", () => {
  const { rows } = parse("iris.csv");
  expect(rows[34]).toEqual(["4.9", "3.1", "1.5", "0.2", "setosa"]);
  expect(rows[37]).toEqual(["4.9", "3.6", "1.4", "0.1", "setosa"]);
});

test("penguins has 19 missing values in 11 rows", () => {
  const { rows } = parse("penguins.csv");
  expect(rows.flat().filter((cell) => cell === "").length).toBe(19);
  expect(rows.filter((row) => row.includes("")).length).toBe(11);
});

test("wine-quality has the published number of wines of each grade, red first, and repeats rows", () => {
  const { rows } = parse("wine-quality.csv");
  const grades = (part: string[][]) => ["3", "4", "5", "6", "7", "8", "9"].map((grade) => count(part, grade));
  expect(grades(rows.slice(0, 1599))).toEqual([10, 53, 681, 638, 199, 18, 0]);
  expect(grades(rows.slice(1599))).toEqual([20, 163, 1457, 2198, 880, 175, 5]);
  const distinct = new Set(rows.map((row) => row.map(Number).join()));
  expect(rows.length - distinct.size).toBe(1179);
});

test("breast-cancer has 212 malignant and 357 benign cases", () => {
  const { rows } = parse("breast-cancer.csv");
  expect([count(rows, "malignant"), count(rows, "benign")]).toEqual([212, 357]);
});

test("digits are whole numbers from 0 to 16", () => {
  const pixels = parse("digits.csv").rows.flatMap((row) => row.slice(0, -1).map(Number));
  expect(pixels.every((value) => Number.isInteger(value) && value >= 0 && value <= 16)).toBe(true);
});

function count(rows: string[][], label: string): number {
  return rows.filter((row) => row.at(-1) === label).length;
}
