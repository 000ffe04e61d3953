/** What is known of a stored blob without reading it. */
export interface BlobInfo {
  size: number;
}

/** A byte range, both ends included. */
export interface ByteRange {
  start: number;
  end: number;
}

/** Large files by key. A key is written once and never changed. */
export interface Blobs {
  /** Streams `body` (exactly `size` bytes when given) into the store; memory stays constant. */
  put(key: string, body: ReadableStream<Uint8Array>, size?: number): Promise<void>;
  /** The blob, or the given range of it; `undefined` when there is none. */
  get(key: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined>;
  head(key: string): Promise<BlobInfo | undefined>;
  /** Deleting what is not there is fine. */
  delete(keys: string[]): Promise<void>;
}
