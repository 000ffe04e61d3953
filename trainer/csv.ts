import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { CsvError, parse } from "csv-parse";
import { InputError } from "./errors.ts";

/** A CSV file in memory, by column. Every column has the same number of cells. */
export interface Table {
  names: string[];
  columns: string[][];
  rows: number;
}

/** Above this the text alone would not fit into Node's default heap. */
const MAX_CELLS = 20_000_000;
const MAX_RECORD_CHARACTERS = 4_000_000;

/** Reads an RFC 4180 file with a header row; UTF-8, with or without a byte order mark. */
export async function readTable(path: string): Promise<Table> {
  const parser = parse({ trim: true, skip_empty_lines: true, max_record_size: MAX_RECORD_CHARACTERS });
  const table: Table = { names: [], columns: [], rows: 0 };
  try {
    await pipeline(decodeUtf8(path), parser, async (records: AsyncIterable<string[]>) => {
      for await (const record of records) addRecord(table, record);
    });
  } catch (error) {
    throw explain(error, table);
  }
  if (table.names.length === 0) throw new InputError("the data is empty: not even a header row");
  if (table.rows === 0) throw new InputError("the data has a header, but no rows");
  return table;
}

async function* decodeUtf8(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for await (const chunk of createReadStream(path)) yield decoder.decode(chunk as Buffer, { stream: true });
  yield decoder.decode();
}

function addRecord(table: Table, record: string[]): void {
  if (table.names.length === 0) {
    table.names = checkHeader(record);
    table.columns = record.map(() => []);
    return;
  }
  for (let column = 0; column < record.length; column++) table.columns[column]!.push(record[column]!);
  table.rows++;
  if (table.rows * record.length > MAX_CELLS)
    throw new InputError(
      `the data has more than ${MAX_CELLS.toLocaleString("en")} cells: too many for the built-in trainer`,
    );
}

function checkHeader(names: string[]): string[] {
  if (names.length < 2)
    throw new InputError(
      `the header has one column only: a target and at least one input are needed` +
        (/[;\t]/.test(names[0]!) ? " (values must be separated by commas)" : ""),
    );
  const seen = new Set<string>();
  names.forEach((name, at) => {
    if (name === "") throw new InputError(`column ${at + 1} has no name in the header`);
    if (seen.has(name)) throw new InputError(`the header has two columns named ${JSON.stringify(name)}`);
    seen.add(name);
  });
  return names;
}

/** Turns what the file system, the decoder and the parser throw into a message about the user's file. */
function explain(error: unknown, table: Table): unknown {
  if (error instanceof CsvError) return new InputError(`line ${error.lines}: ${csvMessage(error, table)}`);
  if (error instanceof TypeError && "code" in error && error.code === "ERR_ENCODING_INVALID_ENCODED_DATA")
    return new InputError("the data is not UTF-8 text");
  if (error instanceof Error && "syscall" in error)
    return new InputError(`the data cannot be read: ${error.message}`);
  return error;
}

function csvMessage(error: CsvError, table: Table): string {
  if (error.code === "CSV_RECORD_INCONSISTENT_FIELDS_LENGTH")
    return `${(error.record as string[]).length} values, but the header has ${table.names.length} columns`;
  if (error.code === "CSV_QUOTE_NOT_CLOSED") return "a quoted value is never closed";
  if (error.code === "CSV_MAX_RECORD_SIZE") return "a row is too long (is a quote left open?)";
  return error.message;
}
