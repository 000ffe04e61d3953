import { expect, test } from "vitest";
import { readTable } from "./csv.ts";
import { InputError } from "./errors.ts";
import { writeText } from "./test/harness.ts";

const read = (content: string | Uint8Array) => readTable(writeText(content));

test("reads quotes, commas and line breaks inside values, a byte order mark and CRLF", async () => {
  const table = await read('\ufeffname,"a ""b"""\r\n"x,\r\ny",1\r\n\r\n"é",  2 \r\n');
  expect(table).toEqual({
    names: ["name", 'a "b"'],
    columns: [
      ["x,\r\ny", "é"],
      ["1", "2"],
    ],
    rows: 2,
  });
});

test("reads a character that is split between two chunks of the file", async () => {
  const table = await read(`a,b\n${"x".repeat(65_530)}é,1\n`);
  expect(table.columns[0]![0]).toBe(`${"x".repeat(65_530)}é`);
});

test.each([
  ["an empty file", "", "the data is empty"],
  ["a header alone", "a,b\n", "no rows"],
  ["a short row", "a,b\n1,2\n3\n", "line 3: 1 values, but the header has 2 columns"],
  ["a long row", "a,b\n1,2\n\n3,4,5\n", "line 4: 3 values, but the header has 2 columns"],
  ["a row after a line break in quotes", 'a,b\n"1\n",2\n3\n', "line 4: 1 values"],
  ["two columns of one name", "a,b,a\n1,2,3\n", 'two columns named "a"'],
  ["a column without a name", "a,,b\n1,2,3\n", "column 2 has no name"],
  ["semicolons", "a;b\n1;2\n", "values must be separated by commas"],
  ["an open quote", 'a,b\n"1,2\n3,4\n', "a quoted value is never closed"],
  ["text after a quote", 'a,b\n"1"x,2\n', "line 2"],
])("refuses %s", async (_name, content, message) => {
  const reading = read(content);
  await expect(reading).rejects.toThrow(InputError);
  await expect(reading).rejects.toThrow(message);
});

test("refuses text that is not UTF-8", async () => {
  await expect(read(Uint8Array.from([97, 44, 98, 10, 0xe9, 44, 49, 10]))).rejects.toThrow("not UTF-8");
  await expect(read(Buffer.from("\ufeffa,b\n1,2\n", "utf16le"))).rejects.toThrow("not UTF-8");
});

test("refuses an endless row instead of filling the memory", async () => {
  await expect(read(`a,b\n"${"x".repeat(5_000_000)}`)).rejects.toThrow("a row is too long");
});

test("refuses a file that is not there", async () => {
  await expect(readTable("/no/such/file.csv")).rejects.toThrow("the data cannot be read");
});
