import type { Blobs } from "../ports/blobs.ts";
import type { ByteSource } from "./byte-source.ts";
import { collected, opened } from "./streams.ts";

/** A stored blob as a file that is read in parts. */
export function blobSource(blobs: Blobs, key: string, size: number): ByteSource {
  const stream = (start: number, length: number) =>
    opened(async () => {
      if (length === 0) return new Blob([]).stream();
      const body = await blobs.get(key, { start, end: start + length - 1 });
      if (!body) throw new Error(`blob ${key} is missing`);
      return body;
    });
  return { size, stream, read: (start, length) => collected(stream(start, length), length) };
}
