import { CsvError, parse } from "csv-parse/sync";

export interface CsvShape {
  columns: string[];
  /** Records after the header; blank lines do not count. */
  rows: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const CR = 0x0d;
const LF = 0x0a;
const SPACES: ReadonlySet<number> = new Set([0x20, 0x09]);
const BYTE_ORDER_MARK: readonly number[] = [0xef, 0xbb, 0xbf];
// A header longer than this is not a table's.
const MAX_HEADER_BYTES = 1_000_000;

/** Counts records and reads the header of RFC 4180 text while it streams by; memory is the header's size. */
export class CsvShapeReader {
  #rows = 0;
  #inQuotes = false;
  /** Nothing of the field has come yet but spaces: only here a quote opens one. */
  #atFieldStart = true;
  /** The byte before closed a quoted field; another quote means that it was an escaped one. */
  #afterQuote = false;
  #recordHasBytes = false;
  #header: number[] = [];
  #headerDone = false;
  #headerTooLong = false;

  write(chunk: Uint8Array): void {
    for (const byte of chunk) {
      if (byte === LF && !this.#inQuotes) {
        this.#endRecord();
        continue;
      }
      if (byte === QUOTE) this.#quote();
      else if (!this.#inQuotes) this.#follow(byte);
      if (byte !== CR && !SPACES.has(byte)) this.#recordHasBytes = true;
      if (!this.#headerDone) this.#takeHeader(byte);
    }
  }

  #quote(): void {
    const opens = !this.#inQuotes && (this.#atFieldStart || this.#afterQuote);
    this.#afterQuote = this.#inQuotes;
    this.#inQuotes = opens;
    this.#atFieldStart = false;
  }

  /** A byte outside of quotes, other than a quote or the end of a record. */
  #follow(byte: number): void {
    this.#afterQuote = false;
    if (byte === COMMA) this.#atFieldStart = true;
    else if (!SPACES.has(byte) && !this.#isByteOrderMark(byte)) this.#atFieldStart = false;
  }

  #isByteOrderMark(byte: number): boolean {
    return !this.#headerDone && byte === BYTE_ORDER_MARK[this.#header.length];
  }

  #takeHeader(byte: number): void {
    if (this.#header.length < MAX_HEADER_BYTES) this.#header.push(byte);
    else this.#headerTooLong = true;
  }

  #endRecord(): void {
    this.#atFieldStart = true;
    this.#afterQuote = false;
    if (!this.#recordHasBytes) return this.#skipRecord();
    if (this.#headerDone) this.#rows++;
    this.#headerDone = true;
    this.#recordHasBytes = false;
  }

  #skipRecord(): void {
    if (!this.#headerDone) this.#header = [];
  }

  /** The shape, or `undefined` for what is not a table with a header and at least one record. */
  end(): CsvShape | undefined {
    this.#endRecord();
    if (this.#headerTooLong || this.#rows === 0 || this.#inQuotes) return undefined;
    const columns = readHeader(new TextDecoder().decode(Uint8Array.from(this.#header)));
    return columns && { columns, rows: this.#rows };
  }
}

function readHeader(text: string): string[] | undefined {
  try {
    return (parse(text, { bom: true, relax_quotes: true, trim: true }) as string[][])[0];
  } catch (error) {
    if (error instanceof CsvError) return undefined;
    throw error;
  }
}
