import type { RelayedUploads } from "../kernel/ports/part-uploads.ts";
import { exactLength } from "./exact-length.ts";

// R2 tells its errors apart by a number at the end of their text.
const TOO_SMALL = 10011;
const NO_SUCH_UPLOAD = 10024;
const INVALID_PART = 10025;
const BAD_UPLOAD = 10048;

const codeOf = (error: unknown): number => Number(/\((\d{5})\)$/.exec((error as Error).message)?.[1]);

/** Uploads in parts to a Cloudflare R2 bucket, by binding. */
export const createR2Parts = (bucket: R2Bucket): RelayedUploads => ({
  isDirect: false,
  async begin(key) {
    return (await bucket.createMultipartUpload(key)).uploadId;
  },
  async put({ key, storageId }, number, body, size) {
    const upload = bucket.resumeMultipartUpload(key, storageId);
    const exact = body.pipeThrough(exactLength(size)).pipeThrough(new FixedLengthStream(size));
    try {
      return (await upload.uploadPart(number, exact)).etag;
    } catch (error) {
      if (codeOf(error) === NO_SUCH_UPLOAD) return undefined;
      throw error;
    }
  },
  async complete({ key, storageId }, parts) {
    const upload = bucket.resumeMultipartUpload(key, storageId);
    try {
      await upload.complete(parts.map(({ number, etag }) => ({ partNumber: number, etag })));
      return "done";
    } catch (error) {
      if (codeOf(error) === NO_SUCH_UPLOAD) return "gone";
      if ([TOO_SMALL, INVALID_PART, BAD_UPLOAD].includes(codeOf(error))) return "refused";
      throw error;
    }
  },
  async abort({ key, storageId }) {
    try {
      await bucket.resumeMultipartUpload(key, storageId).abort();
    } catch (error) {
      if (codeOf(error) !== NO_SUCH_UPLOAD) throw error;
    }
  },
});
