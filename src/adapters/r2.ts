import type { Blobs } from "../kernel/ports/blobs.ts";
import { partsOf } from "./parts.ts";

// R2 wants equal parts of at least 5 MiB (the last may be smaller) and keeps one in memory at a time.
const PART_BYTES = 8 * 1024 * 1024;

async function putInParts(bucket: R2Bucket, key: string, body: ReadableStream<Uint8Array>): Promise<void> {
  const parts = partsOf(body, PART_BYTES);
  const first = await parts.next();
  const second = await parts.next();
  if (second.done) {
    await bucket.put(key, first.value ?? new Uint8Array());
    return;
  }
  const upload = await bucket.createMultipartUpload(key);
  try {
    const done = [await upload.uploadPart(1, first.value!), await upload.uploadPart(2, second.value)];
    for await (const part of parts) done.push(await upload.uploadPart(done.length + 1, part));
    await upload.complete(done);
  } catch (error) {
    await upload.abort();
    throw error;
  }
}

/** Blobs in a Cloudflare R2 bucket, by binding. */
export const createR2Blobs = (bucket: R2Bucket): Blobs => ({
  async put(key, body, size) {
    if (size === undefined) return putInParts(bucket, key, body);
    await bucket.put(key, body.pipeThrough(new FixedLengthStream(size)));
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
    if (keys.length > 0) await bucket.delete(keys);
  },
});
