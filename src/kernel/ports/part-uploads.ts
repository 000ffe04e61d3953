/** A large file on its way into the store in parts: the key it will have, and the store's own name for the upload. */
export interface PartUpload {
  key: string;
  storageId: string;
}

/** A part the store has. Sizes are bytes; an `etag` has no quotes. */
export interface ArrivedPart {
  number: number;
  etag: string;
  size: number;
}

/** What became of putting the parts together: `refused` where the store has other parts, `gone` where it knows no such upload. */
export type Assembly = "done" | "refused" | "gone";

interface Uploads {
  /** Starts an upload; returns the store's name for it. */
  begin(key: string): Promise<string>;
  /** Makes the blob of the parts, in their order. Numbers count from 1; all are equal but the last, and 5 MiB at least. */
  complete(upload: PartUpload, parts: Omit<ArrivedPart, "size">[]): Promise<Assembly>;
  /** Drops what has arrived; aborting what is not there is fine. */
  abort(upload: PartUpload): Promise<void>;
}

/** What a signed download is to be called, for whoever follows its address. */
export interface SignedFile {
  contentType: string;
  contentDisposition: string;
}

/** A store that signs addresses: whoever has one needs nothing else, until it expires. */
export interface DirectUploads extends Uploads {
  isDirect: true;
  /** Where to PUT exactly `size` bytes as one part. */
  partUrl(upload: PartUpload, number: number, size: number, ttlSeconds: number): Promise<string>;
  /** Where to GET a blob from. */
  fileUrl(key: string, file: SignedFile, ttlSeconds: number): Promise<string>;
  /** What has arrived, by number; `undefined` where it knows no such upload. */
  list(upload: PartUpload): Promise<ArrivedPart[] | undefined>;
}

/** A store that is reached through the Worker alone, and that does not tell what has arrived. */
export interface RelayedUploads extends Uploads {
  isDirect: false;
  /** Streams one part of exactly `size` bytes in, in place of an earlier one; returns its tag, `undefined` if it knows no such upload. */
  put(
    upload: PartUpload,
    number: number,
    body: ReadableStream<Uint8Array>,
    size: number,
  ): Promise<string | undefined>;
}

export type PartUploads = DirectUploads | RelayedUploads;
