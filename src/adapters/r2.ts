import type { Blobs } from "../kernel/ports/blobs.ts";
import { exactLength } from "./exact-length.ts";
import { partsOf } from "./parts.ts";

// R2 wants equal parts of at least 5 MiB (the last may be smaller) and keeps one in memory at a time.
const PART_BYTES = 8 * 1024 * 1024;
// A delete takes at most this many keys.
const DELETE_BATCH = 1000;

async function putInParts(bucket: R2Bucket, key: string, body: ReadableStream<Uint8Array>): Promise<void> {
  const parts = partsOf(body, PART_BYTES);
  try {
    const first = await parts.next();
    const second = await parts.next();
    if (second.done) await bucket.put(key, first.value ?? new Uint8Array());
    else await uploadParts(await bucket.createMultipartUpload(key), [first.value!, second.value], parts);
  } finally {
    await parts.return(undefined);
  }
}

async function uploadParts(
  upload: R2MultipartUpload,
  first: Uint8Array[],
  rest: AsyncIterable<Uint8Array>,
): Promise<void> {
  const done: R2UploadedPart[] = [];
  const send = async (part: Uint8Array) => done.push(await upload.uploadPart(done.length + 1, part));
  try {
    for (const part of first) await send(part);
    for await (const part of rest) await send(part);
    await upload.complete(done);
  } catch (error) {
    // R2 itself drops what is left of an upload after a week; why it failed must not get lost over that.
    await upload.abort().catch(() => {});
    throw error;
  }
}

/** Blobs in a Cloudflare R2 bucket, by binding. */
export const createR2Blobs = (bucket: R2Bucket): Blobs => ({
  async put(key, body, size) {
    if (size === undefined) return putInParts(bucket, key, body);
    await bucket.put(key, body.pipeThrough(exactLength(size)).pipeThrough(new FixedLengthStream(size)));
  },
  async get(key, range) {
    const options = range ? { range: { offset: range.start, length: range.end - range.start + 1 } } : {};
    return (await bucket.get(key, options))?.body ?? undefined;
  },
  async head(key) {
    const object = await bucket.head(key);
    return object ? { size: object.size } : undefined;
  },
  async delete(keys) {
    for (let i = 0; i < keys.length; i += DELETE_BATCH) await bucket.delete(keys.slice(i, i + DELETE_BATCH));
  },
});
