import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListPartsCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type {
  ArrivedPart,
  Assembly,
  DirectUploads,
  PartUpload,
  SignedFile,
} from "../kernel/ports/part-uploads.ts";
import { createS3Client, type S3Options } from "./s3-client.ts";

// Not every store says it in Amazon's word, the first.
const GONE = ["NoSuchUpload", "NoSuchKey"];
const REFUSALS = ["InvalidPart", "InvalidPartOrder", "EntityTooSmall"];

const isCalled = (error: unknown, ...names: string[]): boolean => names.includes((error as Error).name);

class S3Parts implements DirectUploads {
  readonly isDirect = true;
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(options: S3Options) {
    this.#bucket = options.bucket;
    this.#client = createS3Client(options);
  }

  #of({ key, storageId }: PartUpload) {
    return { Bucket: this.#bucket, Key: key, UploadId: storageId };
  }

  async begin(key: string): Promise<string> {
    const target = { Bucket: this.#bucket, Key: key };
    const { UploadId } = await this.#client.send(new CreateMultipartUploadCommand(target));
    return UploadId!;
  }

  partUrl(upload: PartUpload, number: number, size: number, expiresIn: number): Promise<string> {
    // The length is signed with the rest, so that an address is good for a part of that size and no other.
    const part = { ...this.#of(upload), PartNumber: number, ContentLength: size };
    return getSignedUrl(this.#client, new UploadPartCommand(part), { expiresIn });
  }

  fileUrl(key: string, { contentType, contentDisposition }: SignedFile, expiresIn: number): Promise<string> {
    const said = { ResponseContentType: contentType, ResponseContentDisposition: contentDisposition };
    const file = new GetObjectCommand({ Bucket: this.#bucket, Key: key, ...said });
    return getSignedUrl(this.#client, file, { expiresIn });
  }

  async list(upload: PartUpload): Promise<ArrivedPart[] | undefined> {
    const parts: ArrivedPart[] = [];
    let after: string | undefined;
    try {
      do {
        const page = new ListPartsCommand({ ...this.#of(upload), PartNumberMarker: after });
        const { Parts = [], IsTruncated, NextPartNumberMarker } = await this.#client.send(page);
        for (const { PartNumber, ETag = "", Size = 0 } of Parts)
          parts.push({ number: PartNumber!, etag: ETag.replaceAll('"', ""), size: Size });
        after = IsTruncated ? NextPartNumberMarker : undefined;
      } while (after !== undefined);
    } catch (error) {
      if (isCalled(error, ...GONE)) return undefined;
      throw error;
    }
    return parts;
  }

  async complete(upload: PartUpload, parts: Omit<ArrivedPart, "size">[]): Promise<Assembly> {
    const Parts = parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag }));
    try {
      await this.#client.send(
        new CompleteMultipartUploadCommand({ ...this.#of(upload), MultipartUpload: { Parts } }),
      );
      return "done";
    } catch (error) {
      if (isCalled(error, ...REFUSALS)) return "refused";
      if (isCalled(error, ...GONE) || !(await this.list(upload))) return "gone";
      throw error;
    }
  }

  async abort(upload: PartUpload): Promise<void> {
    try {
      await this.#client.send(new AbortMultipartUploadCommand(this.#of(upload)));
    } catch (error) {
      if (!isCalled(error, ...GONE)) throw error;
    }
  }
}

/** Uploads in parts straight to any S3-compatible store, by signed addresses. */
export const createS3Parts = (options: S3Options): DirectUploads => new S3Parts(options);
