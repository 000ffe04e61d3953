import { parse } from "csv-parse/sync";

export interface CsvShape {
  columns: string[];
  /** Records after the header; blank lines do not count. */
  rows: number;
}

const QUOTE = 0x22;
const CR = 0x0d;
const LF = 0x0a;
// A header longer than this is not a table's.
const MAX_HEADER_BYTES = 1_000_000;

/** Counts records and reads the header of RFC 4180 text while it streams by; memory is the header's size. */
export class CsvShapeReader {
  #rows = 0;
  #inQuotes = false;
  #recordHasBytes = false;
  #header: number[] = [];
  #headerDone = false;
  #headerTooLong = false;

  write(chunk: Uint8Array): void {
    for (const byte of chunk) {
      if (byte === QUOTE) this.#inQuotes = !this.#inQuotes;
      if (byte === LF && !this.#inQuotes) this.#endRecord();
      else this.#take(byte);
    }
  }

  #take(byte: number): void {
    if (byte !== CR) this.#recordHasBytes = true;
    if (this.#headerDone) return;
    if (this.#header.length < MAX_HEADER_BYTES) this.#header.push(byte);
    else this.#headerTooLong = true;
  }

  #endRecord(): void {
    if (!this.#recordHasBytes) return;
    if (this.#headerDone) this.#rows++;
    this.#headerDone = true;
    this.#recordHasBytes = false;
  }

  /** The shape, or `undefined` for what is not a table with a header and at least one record. */
  end(): CsvShape | undefined {
    this.#endRecord();
    if (this.#headerTooLong || this.#rows === 0 || this.#inQuotes) return undefined;
    const header = new TextDecoder().decode(Uint8Array.from(this.#header));
    const [columns] = parse(header, { bom: true, relax_quotes: true, trim: true }) as string[][];
    return columns && { columns, rows: this.#rows };
  }
}
