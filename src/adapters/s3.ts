import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { Blobs, ByteRange } from "../kernel/ports/blobs.ts";
import { exactLength } from "./exact-length.ts";
import { partsOf } from "./parts.ts";
import { createS3Client, type S3Options } from "./s3-client.ts";

const PART_BYTES = 8 * 1024 * 1024;
// DeleteObjects takes at most this many keys.
const DELETE_BATCH = 1000;

class S3Blobs implements Blobs {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(options: S3Options) {
    this.#bucket = options.bucket;
    this.#client = createS3Client(options);
  }

  async put(key: string, body: ReadableStream<Uint8Array>, size?: number): Promise<void> {
    await (size === undefined ? this.#putInParts(key, body) : this.#putStream(key, body, size));
  }

  async #putStream(key: string, body: ReadableStream<Uint8Array>, size: number): Promise<void> {
    // Only of this stream does fetch know the length, which S3 has to be told and which is signed.
    const { readable, writable } = new FixedLengthStream(size);
    const sending = this.#putWhole(key, readable, size);
    const refused = new AbortController();
    const reading = body.pipeThrough(exactLength(size)).pipeTo(writable, { signal: refused.signal });
    try {
      // Whichever breaks first says why.
      await Promise.all([reading, sending]);
    } catch (error) {
      refused.abort(error);
      await Promise.allSettled([reading, sending]);
      throw error;
    }
  }

  async #putWhole(key: string, body: ReadableStream<Uint8Array> | Uint8Array, size: number): Promise<void> {
    await this.#client.send(
      new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: body, ContentLength: size }),
    );
  }

  async #putInParts(key: string, body: ReadableStream<Uint8Array>): Promise<void> {
    const parts = partsOf(body, PART_BYTES);
    try {
      const first = await parts.next();
      const second = await parts.next();
      const whole = first.value ?? new Uint8Array();
      if (second.done) await this.#putWhole(key, whole, whole.length);
      else await this.#uploadParts(key, [whole, second.value], parts);
    } finally {
      await parts.return(undefined);
    }
  }

  async #uploadParts(key: string, first: Uint8Array[], rest: AsyncIterable<Uint8Array>): Promise<void> {
    const target = { Bucket: this.#bucket, Key: key };
    const { UploadId } = await this.#client.send(new CreateMultipartUploadCommand(target));
    const done: { PartNumber: number; ETag: string | undefined }[] = [];
    const send = async (Body: Uint8Array) => {
      const PartNumber = done.length + 1;
      const part = new UploadPartCommand({ ...target, UploadId, PartNumber, Body });
      done.push({ PartNumber, ETag: (await this.#client.send(part)).ETag });
    };
    try {
      for (const part of first) await send(part);
      for await (const part of rest) await send(part);
      await this.#client.send(
        new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts: done } }),
      );
    } catch (error) {
      // Left-over parts are the bucket's lifecycle rules' business; why the upload failed must not get lost over them.
      await this.#client.send(new AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => {});
      throw error;
    }
  }

  async get(key: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined> {
    try {
      const Range = range && `bytes=${range.start}-${range.end}`;
      const reply = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key, Range }));
      return reply.Body?.transformToWebStream() as ReadableStream<Uint8Array> | undefined;
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  }

  async head(key: string) {
    try {
      const reply = await this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key }));
      return { size: reply.ContentLength ?? 0 };
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  }

  async delete(keys: string[]): Promise<void> {
    for (let i = 0; i < keys.length; i += DELETE_BATCH) {
      const Objects = keys.slice(i, i + DELETE_BATCH).map((Key) => ({ Key }));
      const { Errors = [] } = await this.#client.send(
        new DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects, Quiet: true } }),
      );
      // The answer is a success even when some of the keys were not deleted.
      const [failed] = Errors;
      if (failed)
        throw new Error(`${Errors.length} not deleted; ${failed.Key}: ${failed.Code} ${failed.Message}`);
    }
  }
}

/** Blobs in any S3-compatible store. */
export const createS3Blobs = (options: S3Options): Blobs => new S3Blobs(options);
