import { configure, type FileEntry, Reader, ZipReader } from "@zip.js/zip.js/lib/zip-core-native.js";
import { type ByteSource, MalformedFile, partOf } from "./byte-source.ts";
import { opened, relabelled } from "./streams.ts";

configure({ useWebWorkers: false });

const MAX_MEMBERS = 100_000;
const LOCAL_HEADER_BYTES = 30;
const STORED = 0;

/** A file inside an archive. */
export interface ZipMember {
  name: string;
  size: number;
  /** Its bytes as a file that can be read in parts; `undefined` where they are compressed. */
  part(): Promise<ByteSource | undefined>;
  stream(): ReadableStream<Uint8Array>;
}

export const looksLikeZip = (head: Uint8Array): boolean =>
  head[0] === 0x50 && head[1] === 0x4b && head[2] === 0x03 && head[3] === 0x04;

class SourceReader extends Reader<ByteSource> {
  readonly #source: ByteSource;

  constructor(source: ByteSource) {
    super(source);
    this.#source = source;
    this.size = source.size;
  }

  override readUint8Array(index: number, length: number): Promise<Uint8Array> {
    return this.#source.read(index, Math.max(0, Math.min(length, this.#source.size - index)));
  }
}

/** Where a member's bytes begin, which only its own header says. */
async function partIn(source: ByteSource, { offset, uncompressedSize }: FileEntry): Promise<ByteSource> {
  const header = await source.read(offset, LOCAL_HEADER_BYTES);
  const view = new DataView(header.buffer, header.byteOffset);
  const start = offset + LOCAL_HEADER_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
  if (start + uncompressedSize > source.size) throw new MalformedFile("a file in it is cut off");
  return partOf(source, start, uncompressedSize);
}

/** Passes on what a member says to hold and not a byte more, whatever its compressed form unfolds to. */
function bounded({ filename, uncompressedSize }: FileEntry): TransformStream<Uint8Array, Uint8Array> {
  let left = uncompressedSize;
  const wrong = () => new MalformedFile(`“${filename}” in it has not the size it says`);
  return new TransformStream({
    transform(chunk, controller) {
      left -= chunk.length;
      if (left < 0) throw wrong();
      controller.enqueue(chunk);
    },
    flush() {
      if (left > 0) throw wrong();
    },
  });
}

function inflated(entry: FileEntry): ReadableStream<Uint8Array> {
  const passage = bounded(entry);
  // A failure reaches whoever reads, through the stream.
  entry.getData(passage.writable).catch(() => undefined);
  return relabelled(passage.readable, (cause) =>
    cause instanceof MalformedFile
      ? cause
      : new MalformedFile(`“${entry.filename}” in it cannot be read`, { cause }),
  );
}

const memberOf = (entry: FileEntry, source: ByteSource): ZipMember => {
  const isStored = entry.compressionMethod === STORED;
  return {
    name: entry.filename,
    size: entry.uncompressedSize,
    part: () => (isStored ? partIn(source, entry) : Promise.resolve(undefined)),
    stream: () =>
      isStored
        ? opened(async () => (await partIn(source, entry)).stream(0, entry.uncompressedSize))
        : inflated(entry),
  };
};

/** The files of an archive, by its directory. */
export async function readZip(source: ByteSource): Promise<ZipMember[]> {
  const reader = new ZipReader(new SourceReader(source));
  const members: ZipMember[] = [];
  try {
    for await (const entry of reader.getEntriesGenerator()) {
      if (members.length >= MAX_MEMBERS) throw new MalformedFile(`it holds more than ${MAX_MEMBERS} files`);
      if (entry.directory) continue;
      if (entry.encrypted) throw new MalformedFile("it is encrypted");
      members.push(memberOf(entry, source));
    }
  } catch (cause) {
    if (cause instanceof MalformedFile) throw cause;
    throw new MalformedFile("its archive cannot be read", { cause });
  }
  return members;
}
