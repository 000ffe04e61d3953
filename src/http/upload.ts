import { decodeField, make, type MultipartError } from "multipasta";
import { AppError } from "../kernel/errors.ts";
import type { IncomingFile, Upload } from "../kernel/upload.ts";

const MAX_FIELD_BYTES = 64 * 1024;
const MAX_PARTS = 20;

const badUpload = (text: string) => new AppError("bad_request", "BAD_UPLOAD", text);
const missingFile = () =>
  new AppError("invalid", "FILE_MISSING", "The form needs one part named `file` with a file.");
const tooLarge = (maxBytes: number) =>
  new AppError("too_large", "FILE_TOO_LARGE", `A file may have at most ${maxBytes} bytes here.`);

/** The last segment of whatever path a client sent, without control characters; `fallback` when nothing is left. */
export function safeFileName(name: string | undefined, fallback: string): string {
  const last = (name ?? "").split(/[/\\]/).pop() ?? "";
  // eslint-disable-next-line no-control-regex -- control characters are exactly what must go
  const clean = last.replace(/[\u0000-\u001f\u007f]/g, "").trim();
  return clean === "" || clean === "." || clean === ".." ? fallback : clean.slice(0, 255);
}

/** The request body itself as the file. */
export function rawUpload(request: Request, maxBytes: number, fileName: string): Upload {
  const declared = request.headers.get("content-length");
  return {
    async receive(sink) {
      if (!request.body) throw badUpload("The request has no body.");
      if (declared !== null && Number(declared) > maxBytes) throw tooLarge(maxBytes);
      const body = request.body.pipeThrough(bounded(maxBytes));
      const size = declared === null ? {} : { size: Number(declared) };
      const stored = await sink({ name: fileName, body, ...size });
      return { stored, fields: new Map() };
    },
  };
}

function bounded(maxBytes: number): TransformStream<Uint8Array, Uint8Array> {
  let seen = 0;
  return new TransformStream({
    transform(chunk, controller) {
      seen += chunk.length;
      if (seen > maxBytes) controller.error(tooLarge(maxBytes));
      else controller.enqueue(chunk);
    },
  });
}

function refusalOf(error: MultipartError): AppError {
  if (error._tag === "ReachedLimit") {
    return new AppError("too_large", "FORM_TOO_LARGE", `The form breaks a limit: ${error.limit}.`);
  }
  return badUpload("The form is not valid multipart/form-data.");
}

/** Cuts a multipart body while it streams by; holds no more than the chunk at hand. */
class MultipartReader {
  readonly fields = new Map<string, string>();
  file:
    | { name: string; chunks: WritableStreamDefaultWriter<Uint8Array>; body: ReadableStream<Uint8Array> }
    | undefined;
  #refusal: AppError | undefined;
  #pending: (Uint8Array | null)[] = [];
  readonly #parser: ReturnType<typeof make>;

  constructor(headers: Headers) {
    this.#parser = make({
      headers: Object.fromEntries(headers),
      maxParts: MAX_PARTS,
      maxFieldSize: MAX_FIELD_BYTES,
      isFile: (info) => info.name === "file" || info.filename !== undefined,
      onField: (info, value) => this.fields.set(info.name, decodeField(info, value)),
      onFile: (info) => this.#openFile(info.name, info.filename),
      onError: (error) => (this.#refusal ??= refusalOf(error)),
      onDone: () => undefined,
    });
  }

  #openFile(part: string, fileName: string | undefined): (chunk: Uint8Array | null) => void {
    if (part !== "file" || this.file) {
      this.#refusal ??= badUpload("The form may carry one file, in a part named `file`.");
      return () => undefined;
    }
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    this.file = { name: safeFileName(fileName, "file"), chunks: writable.getWriter(), body: readable };
    return (chunk) => void this.#pending.push(chunk);
  }

  /** Feeds `chunk` and waits until the file's consumer has taken what came out of it. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#parser.write(chunk);
    await this.#settle();
  }

  async end(): Promise<void> {
    this.#parser.end();
    await this.#settle();
  }

  async #settle(): Promise<void> {
    if (this.#refusal) throw this.#refusal;
    for (const part of this.#pending.splice(0)) {
      if (part === null) await this.file!.chunks.close();
      else await this.file!.chunks.write(part);
    }
  }
}

/** A `multipart/form-data` body with one file part named `file` and small text fields. */
export function multipartUpload(request: Request, maxBytes: number): Upload {
  return {
    async receive(sink) {
      if (!/^multipart\/form-data\s*;/i.test(request.headers.get("content-type") ?? "")) {
        throw new AppError("unsupported_media", "UNSUPPORTED_MEDIA_TYPE", "Send multipart/form-data.");
      }
      if (!request.body) throw badUpload("The request has no body.");
      const reader = new MultipartReader(request.headers);
      const source = request.body.getReader();
      let storing: Promise<unknown> | undefined;
      let failed: Promise<never> | undefined;
      const start = () => {
        if (storing || !reader.file) return;
        const { name, body } = reader.file;
        const file: IncomingFile = { name, body: body.pipeThrough(bounded(maxBytes)) };
        storing = sink(file);
        failed = failureOf(storing);
      };
      try {
        for (let next = await source.read(); !next.done; next = await source.read()) {
          const writing = reader.write(next.value);
          start();
          await (failed ? Promise.race([writing, failed]) : writing);
        }
        await reader.end();
      } catch (error) {
        await reader.file?.chunks.abort(error).catch(() => undefined);
        await storing?.catch(() => undefined);
        throw error;
      }
      if (!storing) throw missingFile();
      return { stored: (await storing) as never, fields: reader.fields };
    },
  };
}

/** Never resolves; rejects when `work` does, so that a failed consumer ends the reading. */
function failureOf(work: Promise<unknown>): Promise<never> {
  const failure = new Promise<never>((_, reject) => work.catch(reject));
  // It is raced against every chunk; a failure after the last one is seen by awaiting the work itself.
  failure.catch(() => undefined);
  return failure;
}
