import { AppError } from "../kernel/errors.ts";
import type { IncomingFile, Upload } from "../kernel/upload.ts";
import { boundaryOf, collect, type FormPart, formParts, MAX_HEAD_BYTES } from "./multipart.ts";

const MAX_FIELD_BYTES = 64 * 1024;
const MAX_PARTS = 20;
// What a form may have besides its file.
const MAX_AROUND_BYTES = MAX_PARTS * (MAX_HEAD_BYTES + MAX_FIELD_BYTES);

const badUpload = (text: string) => new AppError("bad_request", "BAD_UPLOAD", text);
const missingFile = () =>
  new AppError("invalid", "FILE_MISSING", "The form needs one part named `file` with a file.");
const tooLarge = (maxBytes: number) =>
  new AppError("too_large", "FILE_TOO_LARGE", `A file may have at most ${maxBytes} bytes here.`);

const MAX_NAME = 255;
// Control characters, line separators, and marks that turn the direction of writing to disguise an ending.
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu;

/** The last segment of whatever path a client sent, without unprintable characters; `fallback` when nothing is left. */
export function safeFileName(name: string | undefined, fallback: string): string {
  const last = (name ?? "").split(/[/\\]/).pop() ?? "";
  const clean = last.toWellFormed().replace(UNPRINTABLE, "").trim();
  // Cut between code points, so that no half of one is left.
  return clean === "" || clean === "." || clean === ".." ? fallback : [...clean].slice(0, MAX_NAME).join("");
}

/** The request body as it is, of the size it says it has; for whoever knows how large it may be. */
export function rawBody({ body, headers }: Request): Pick<IncomingFile, "body" | "size"> {
  if (!body) throw badUpload("The request has no body.");
  const declared = headers.get("content-length");
  return { body, ...(declared !== null && { size: Number(declared) }) };
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

const isForm = (contentType: string): boolean => /^multipart\/form-data\s*(?:;|$)/i.test(contentType);

function formOf(request: Request, maxBytes: number): AsyncIterable<FormPart> {
  const contentType = request.headers.get("content-type") ?? "";
  if (!isForm(contentType))
    throw new AppError("unsupported_media", "UNSUPPORTED_MEDIA_TYPE", "Send multipart/form-data.");
  const boundary = boundaryOf(contentType);
  if (boundary === undefined) throw badUpload("The content type names no boundary.");
  if (!request.body) throw badUpload("The request has no body.");
  if (Number(request.headers.get("content-length")) > maxBytes + MAX_AROUND_BYTES) throw tooLarge(maxBytes);
  return formParts(request.body, boundary);
}

/** A stream that asks `chunks` for more only when it is read. */
function streamOf(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

/** A `multipart/form-data` body with one file part named `file` and small text fields, stored while it streams by. */
export function multipartUpload(request: Request, maxBytes: number): Upload {
  return {
    async receive<T>(sink: (file: IncomingFile) => Promise<T>) {
      const fields = new Map<string, string>();
      const stored: T[] = [];
      let count = 0;
      for await (const { name, fileName, body } of formOf(request, maxBytes)) {
        if (++count > MAX_PARTS)
          throw new AppError(
            "too_large",
            "FORM_TOO_LARGE",
            `A form may have at most ${MAX_PARTS} parts here.`,
          );
        if (name !== "file" && fileName === undefined) {
          fields.set(name, new TextDecoder().decode(await collect(body, MAX_FIELD_BYTES)));
          continue;
        }
        if (name !== "file" || stored.length > 0)
          throw badUpload("The form may carry one file, in a part named `file`.");
        const file = streamOf(body).pipeThrough(bounded(maxBytes));
        stored.push(await sink({ name: safeFileName(fileName, "file"), body: file }));
      }
      if (stored.length === 0) throw missingFile();
      return { stored: stored[0]!, fields };
    },
  };
}
