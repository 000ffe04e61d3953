import { parse } from "csv-parse/sync";
import { expect, it } from "vitest";
import { CsvShapeReader } from "./csv-shape.ts";

function shapeOf(text: string | Uint8Array, chunk = Infinity) {
  const bytes = Buffer.from(text);
  const reader = new CsvShapeReader();
  for (let at = 0; at < bytes.length; at += chunk) reader.write(bytes.subarray(at, at + chunk));
  return reader.end();
}

it.each([
  ["a,b\n1,2\n", ["a", "b"], 1],
  ["a,b\r\n1,2\r\n3,4", ["a", "b"], 2],
  ["\ufeffa,b\n1,2\n", ["a", "b"], 1],
  ['\ufeff"a,x",b\n1,2\n', ["a,x", "b"], 1],
  [' "a" , b \n1,2\n', ["a", "b"], 1],
  ['"a\n""1""",b\n1,2\n', ['a\n"1"', "b"], 1],
  ['a,b\n"1\n2",3\n"""\n""",4\n', ["a", "b"], 2],
  ['a,b\n5" pipe,1\n6" pipe,2\n7" pipe,3\n', ["a", "b"], 3],
  ['a,b\n "quoted\n",1\nx,2\n', ["a", "b"], 2],
  ["\r\n\n  \na,b\n\n1,2\n \t\n", ["a", "b"], 1],
  ["ä,模\n1,2\n", ["ä", "模"], 1],
])("reads %j, wherever it is cut", (text, columns, rows) => {
  for (const chunk of [Infinity, 1, 2, 3, 7]) expect(shapeOf(text, chunk)).toEqual({ columns, rows });
});

it.each([
  ["nothing", ""],
  ["line ends alone", "\r\n\n\n"],
  ["a header alone", "a,b\n"],
  ["a quote without end", 'a,b\n"1,2\n'],
  ["a header that is no CSV", '"a" x,b\n1,2\n'],
  ["a header of megabytes", `${"a".repeat(1_000_001)}\n1\n`],
])("finds no table in %s", (_, text) => {
  expect(shapeOf(text)).toBeUndefined();
});

/** A small generator of numbers, the same on every run. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state;
  }
}

it("counts what a full parser counts, for any table of any cells", () => {
  const cells = [
    "",
    "x",
    "1.5",
    '"q"',
    '"a,b"',
    '"l\n1"',
    '"c\r\nd"',
    '"say ""hi"""',
    '""',
    '""""',
    " x ",
    "é",
  ];
  const random = numbers(42);
  const below = (bound: number) => random.next().value % bound;
  for (let round = 0; round < 500; round++) {
    const width = 1 + below(4);
    const line = () => Array.from({ length: width }, () => cells[below(cells.length)]).join(",");
    const end = below(2) === 0 ? "\n" : "\r\n";
    const text = ["h".repeat(1 + below(3)), ...Array(width - 1).fill("h")].join(",") + end;
    const body = Array.from({ length: 1 + below(5) }, () => line() + end).join("");
    const expected =
      parse(text + body, { skip_empty_lines: true, trim: true, relax_column_count: true }).length - 1;
    expect([text + body, shapeOf(text + body, 1 + below(9))?.rows ?? 0]).toEqual([text + body, expected]);
  }
});
