import { S3Client } from "@aws-sdk/client-s3";

export interface S3Options {
  endpoint: string;
  bucket: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

// The client would write to the console; whoever asked for a blob logs what failed, with the request's id.
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/** A client of any S3-compatible store; checksums of its own are sent only where the protocol demands one. */
export const createS3Client = ({ endpoint, region, accessKeyId, secretAccessKey }: S3Options): S3Client =>
  new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    logger: SILENT,
  });
