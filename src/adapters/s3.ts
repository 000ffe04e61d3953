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
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { Blobs, ByteRange } from "../kernel/ports/blobs.ts";
import { partsOf } from "./parts.ts";

export interface S3Options {
  endpoint: string;
  bucket: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

const PART_BYTES = 8 * 1024 * 1024;
// DeleteObjects takes at most this many keys.
const DELETE_BATCH = 1000;

class S3Blobs implements Blobs {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor({ endpoint, bucket, region, accessKeyId, secretAccessKey }: S3Options) {
    this.#bucket = bucket;
    this.#client = new S3Client({
      endpoint,
      region,
      credentials: { accessKeyId, secretAccessKey },
      forcePathStyle: true,
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
    });
  }

  async put(key: string, body: ReadableStream<Uint8Array>, size?: number): Promise<void> {
    if (size === undefined) return this.#putInParts(key, body);
    await this.#putWhole(key, body, size);
  }

  async #putWhole(key: string, body: ReadableStream<Uint8Array> | Uint8Array, size: number): Promise<void> {
    await this.#client.send(
      new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: body, ContentLength: size }),
    );
  }

  async #putInParts(key: string, body: ReadableStream<Uint8Array>): Promise<void> {
    const parts = partsOf(body, PART_BYTES);
    const first = await parts.next();
    const second = await parts.next();
    const whole = first.value ?? new Uint8Array();
    if (second.done) return this.#putWhole(key, whole, whole.length);
    const target = { Bucket: this.#bucket, Key: key };
    const { UploadId } = await this.#client.send(new CreateMultipartUploadCommand(target));
    const done: { PartNumber: number; ETag: string | undefined }[] = [];
    const upload = async (part: Uint8Array) => {
      const PartNumber = done.length + 1;
      const reply = await this.#client.send(
        new UploadPartCommand({ ...target, UploadId, PartNumber, Body: part }),
      );
      done.push({ PartNumber, ETag: reply.ETag });
    };
    try {
      await upload(whole);
      await upload(second.value);
      for await (const part of parts) await upload(part);
      await this.#client.send(
        new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts: done } }),
      );
    } catch (error) {
      await this.#client.send(new AbortMultipartUploadCommand({ ...target, UploadId }));
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
      await this.#client.send(
        new DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects, Quiet: true } }),
      );
    }
  }
}

/** Blobs in any S3-compatible store. */
export const createS3Blobs = (options: S3Options): Blobs => new S3Blobs(options);
