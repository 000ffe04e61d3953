import type { Blobs } from "../kernel/ports/blobs.ts";
import type { PartUploads } from "../kernel/ports/part-uploads.ts";
import { parseRange } from "./range.ts";

export interface StoredBlob {
  blobKey: string;
  fileName: string;
  fileSize: number;
  sha256: string;
  contentType: string;
}

const matches = (header: string | null, etag: string): boolean =>
  header !== null &&
  (header.trim() === "*" || header.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag));

/** Ranges are for GET alone, and under `If-Range` only of the very file the client has a part of. */
function rangeOf({ method, headers }: Request, etag: string): string | null {
  const ifRange = headers.get("if-range");
  return method === "GET" && (ifRange === null || ifRange.trim() === etag) ? headers.get("range") : null;
}

/** RFC 6266: a plain ASCII name for old clients, the true one in UTF-8 beside it. */
export const attachment = (name: string): string =>
  `attachment; filename="${name.replace(/[^\x20-\x7e]|["\\]/g, "_")}"; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)}`;

/** Streams a stored file with `ETag`, `Range`, `If-None-Match` and `If-Range`. */
export async function download(request: Request, blobs: Blobs, blob: StoredBlob): Promise<Response> {
  const etag = `"${blob.sha256}"`;
  const headers = new Headers({ etag, "accept-ranges": "bytes", "cache-control": "private, no-cache" });
  if (matches(request.headers.get("if-none-match"), etag))
    return new Response(null, { status: 304, headers });
  const range = parseRange(rangeOf(request, etag), blob.fileSize);
  const length = range ? range.end - range.start + 1 : blob.fileSize;
  headers.set("content-type", blob.contentType);
  headers.set("content-disposition", attachment(blob.fileName));
  headers.set("content-length", String(length));
  if (range) headers.set("content-range", `bytes ${range.start}-${range.end}/${blob.fileSize}`);
  if (request.method === "HEAD") return new Response(null, { headers });
  const body = await blobs.get(blob.blobKey, range);
  if (!body) throw new Error(`blob ${blob.blobKey} is missing`);
  const sized = body.pipeThrough(new FixedLengthStream(length));
  return new Response(sized, { status: range ? 206 : 200, headers });
}

const URL_SECONDS = 300;

/** Where the store itself gives a file to whoever asks within five minutes; `undefined` where it signs no addresses. */
export async function signedDownload(
  store: PartUploads,
  { blobKey, fileName, contentType }: StoredBlob,
  now: Date,
): Promise<{ url: string; expiresAt: Date } | undefined> {
  if (!store.isDirect) return undefined;
  const said = { contentType, contentDisposition: attachment(fileName) };
  const expiresAt = new Date(now.getTime() + URL_SECONDS * 1000);
  return { url: await store.fileUrl(blobKey, said, URL_SECONDS), expiresAt };
}
