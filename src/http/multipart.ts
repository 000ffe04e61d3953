import { AppError } from "../kernel/errors.ts";

/** One part of a form on its way in; `body` has to be read to its end before the next part comes. */
export interface FormPart {
  name: string;
  /** As the client sent it: only the last segment of it may be trusted. */
  fileName: string | undefined;
  body: AsyncIterable<Uint8Array>;
}

// A part's headers; what stands before the first part counts like them.
export const MAX_HEAD_BYTES = 16 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const LINE_END = encoder.encode("\r\n");
const HEAD_END = encoder.encode("\r\n\r\n");
const LAST = encoder.encode("--");

const brokenForm = () =>
  new AppError("bad_request", "BAD_UPLOAD", "The form is not valid multipart/form-data.");
const tooLarge = (maxBytes: number) =>
  new AppError("too_large", "FORM_TOO_LARGE", `Fields and headers of a form may have ${maxBytes} bytes.`);

/** The boundary a content type names, if it does. */
export function boundaryOf(contentType: string): string | undefined {
  const match = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(?:;|$)/i.exec(contentType);
  return match?.[1] ?? match?.[2];
}

/** All of `chunks`, at most `maxBytes`. */
export async function collect(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const kept: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(maxBytes);
    kept.push(chunk);
  }
  return join(kept, size);
}

function join(chunks: Uint8Array[], size: number): Uint8Array {
  const joined = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    joined.set(chunk, offset);
    offset += chunk.length;
  }
  return joined;
}

function matchesAt(bytes: Uint8Array, wanted: Uint8Array, at: number): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array): number {
  const first = wanted[0]!;
  for (let at = bytes.indexOf(first); at !== -1; at = bytes.indexOf(first, at + 1)) {
    if (matchesAt(bytes, wanted, at)) return at;
  }
  return -1;
}

/** Reads a byte stream from one delimiter to the next; holds no more than the chunk at hand. */
class DelimitedReader {
  readonly #source: ReadableStreamDefaultReader<Uint8Array>;
  #buffer: Uint8Array;

  constructor(source: ReadableStream<Uint8Array>, seed: Uint8Array) {
    this.#source = source.getReader();
    this.#buffer = seed;
  }

  /** Everything before `delimiter`, which is left behind. */
  async *until(delimiter: Uint8Array): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const at = indexOf(this.#buffer, delimiter);
      // The delimiter may have begun in the last bytes; they wait for what follows.
      const end = at === -1 ? this.#buffer.length - delimiter.length + 1 : at;
      const before = this.#buffer.subarray(0, Math.max(end, 0));
      this.#buffer = this.#buffer.subarray(before.length + (at === -1 ? 0 : delimiter.length));
      if (before.length > 0) yield before;
      if (at !== -1) return;
      await this.#fill();
    }
  }

  /** Whether `wanted` comes next; nothing is consumed. */
  async startsWith(wanted: Uint8Array): Promise<boolean> {
    while (this.#buffer.length < wanted.length) await this.#fill();
    return matchesAt(this.#buffer, wanted, 0);
  }

  /** Leaves what has not been read to others. */
  release(): void {
    this.#source.releaseLock();
  }

  async #fill(): Promise<void> {
    const { done, value } = await this.#source.read();
    if (done) throw brokenForm();
    this.#buffer =
      this.#buffer.length === 0 ? value : join([this.#buffer, value], this.#buffer.length + value.length);
  }
}

/** Reads a `multipart/form-data` body (RFC 7578) part by part while it streams in. */
export async function* formParts(
  body: ReadableStream<Uint8Array>,
  boundary: string,
): AsyncGenerator<FormPart, void> {
  const delimiter = encoder.encode(`\r\n--${boundary}`);
  // The line break of the first delimiter is the one before the body.
  const reader = new DelimitedReader(body, LINE_END);
  try {
    await collect(reader.until(delimiter), MAX_HEAD_BYTES);
    while (!(await reader.startsWith(LAST))) {
      const head = await collect(reader.until(HEAD_END), MAX_HEAD_BYTES);
      yield { ...readHead(decoder.decode(head)), body: reader.until(delimiter) };
    }
  } finally {
    reader.release();
  }
}

function readHead(text: string): Omit<FormPart, "body"> {
  const [padding, ...lines] = text.split("\r\n");
  const disposition = lines.find((line) => /^content-disposition:/i.test(line));
  const match = /^[^:]+:\s*form-data\s*(;.*)$/i.exec(disposition ?? "");
  if (padding?.trim() !== "" || !match) throw brokenForm();
  const parameters = parametersOf(match[1]!);
  const name = parameters.get("name");
  const extended = parameters.get("filename*");
  if (name === undefined) throw brokenForm();
  return { name, fileName: extended === undefined ? parameters.get("filename") : decodeExtended(extended) };
}

function parametersOf(text: string): Map<string, string> {
  const parameters = new Map<string, string>();
  const parameter = /;\s*([^\s=;"]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))\s*/y;
  while (parameter.lastIndex < text.length) {
    const match = parameter.exec(text);
    if (!match) throw brokenForm();
    parameters.set(match[1]!.toLowerCase(), match[2] === undefined ? match[3]! : unquote(match[2]));
  }
  return parameters;
}

// Browsers escape a quote and line breaks by percent signs (HTML, 4.10.21.8), other clients a quote by a backslash.
const unquote = (text: string): string =>
  text.replace(/\\(["\\])/g, "$1").replace(/%(?:22|0D|0A)/gi, decodeURIComponent);

/** RFC 8187, as Python's older clients send names that are not ASCII. */
function decodeExtended(text: string): string {
  const match = /^utf-8'[^']*'(.*)$/i.exec(text);
  if (!match) throw brokenForm();
  try {
    return decodeURIComponent(match[1]!);
  } catch (error) {
    if (error instanceof URIError) throw brokenForm();
    throw error;
  }
}
