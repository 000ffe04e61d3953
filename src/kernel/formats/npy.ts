import { type ByteSource, MalformedFile, partOf } from "./byte-source.ts";
import {
  ELEMENT_BYTES,
  type ElementType,
  elementsOf,
  type ModelFile,
  type TensorInfo,
} from "./model-file.ts";
import { beginning, collected, opened, single, without } from "./streams.ts";
import { checkGatherable, contiguousStrides, gathered } from "./strided.ts";
import { readZip, type ZipMember } from "./zip.ts";

/** The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, versions 1 to 3. */
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const MAX_HEADER_BYTES = 64_000;

/** What comes before the data of an array of this kind, byte order aside. */
const KINDS: Record<string, ElementType> = {
  ...{ f8: "F64", f4: "F32", f2: "F16", i8: "I64", i4: "I32", i2: "I16", i1: "I8" },
  ...{ u8: "U64", u4: "U32", u2: "U16", u1: "U8", b1: "BOOL", c8: "C64", c16: "C128" },
};

export const looksLikeNpy = (head: Uint8Array): boolean => MAGIC.every((byte, i) => head[i] === byte);

interface Header {
  /** How NumPy calls the elements. */
  descr: string;
  isFortran: boolean;
  shape: number[];
  dataStart: number;
}

/** How long the header is, by its first bytes. */
function dataStartOf(head: Uint8Array): number {
  if (!looksLikeNpy(head) || head.length < 12)
    throw new MalformedFile("it does not begin as a NumPy array does");
  const view = new DataView(head.buffer, head.byteOffset);
  const start = head[6] === 1 ? 10 + view.getUint16(8, true) : 12 + view.getUint32(8, true);
  if (start > MAX_HEADER_BYTES)
    throw new MalformedFile(`its header is larger than ${MAX_HEADER_BYTES} bytes`);
  return start;
}

/** The header is a dictionary as Python prints it; of types that are no numbers only their text is of interest. */
function headerOf(head: Uint8Array): Header {
  const dataStart = dataStartOf(head);
  if (dataStart > head.length) throw new MalformedFile("the file ends in its header");
  const text = new TextDecoder().decode(head.subarray(head[6] === 1 ? 10 : 12, dataStart));
  const [, descr] = /'descr':\s*('[^']*'|\[[^\]]*\])/.exec(text) ?? [];
  const [, order] = /'fortran_order':\s*(True|False)/.exec(text) ?? [];
  const [, sizes] = /'shape':\s*\(([\d,\s]*)\)/.exec(text) ?? [];
  if (!descr || !order || sizes === undefined)
    throw new MalformedFile("its header does not say what it holds");
  const shape = sizes
    .split(",")
    .filter((size) => size.trim() !== "")
    .map(Number);
  if (!shape.every(Number.isSafeInteger) || !Number.isSafeInteger(elementsOf(shape)))
    throw new MalformedFile("its shape is out of all proportion");
  return { descr: descr.replaceAll("'", ""), isFortran: order === "True", shape, dataStart };
}

function swapped(bytes: Uint8Array, elementBytes: number): Uint8Array {
  const out = bytes.slice();
  for (let at = 0; at < out.length; at += elementBytes) out.subarray(at, at + elementBytes).reverse();
  return out;
}

/** `after(n)` is the file behind its first n bytes. */
function tensorOf(
  name: string,
  head: Uint8Array,
  size: number,
  after: (skip: number) => ReadableStream<Uint8Array>,
): TensorInfo {
  const { descr, isFortran, shape, dataStart } = headerOf(head);
  const dtype = KINDS[descr.slice(1)];
  const bytes = size - dataStart;
  if (dtype === undefined)
    return { name, dtype: descr, shape, bytes, read: () => refused(`“${name}” holds ${descr}, no numbers`) };
  const elementBytes = ELEMENT_BYTES[dtype];
  if (bytes !== elementsOf(shape) * elementBytes)
    throw new MalformedFile(`“${name}” has ${bytes} bytes, which are not ${dtype} [${shape.join(", ")}]`);
  const isSwapped = descr[0] === ">" && elementBytes > 1;
  const isPlain = !isSwapped && (!isFortran || shape.length < 2);
  if (isPlain) return { name, dtype, shape, bytes, read: () => after(dataStart) };
  const strides = isFortran ? contiguousStrides(shape.toReversed()).toReversed() : contiguousStrides(shape);
  const width = dtype === "C64" || dtype === "C128" ? elementBytes / 2 : elementBytes;
  const ordered = async () => {
    checkGatherable(name, bytes);
    const given = await collected(after(dataStart), bytes);
    return single(gathered(isSwapped ? swapped(given, width) : given, elementBytes, shape, strides));
  };
  return { name, dtype, shape, bytes, read: () => opened(ordered) };
}

const refused = (why: string): ReadableStream<Uint8Array> =>
  opened(() => Promise.reject(new MalformedFile(why)));

/** Reads one array. */
export async function readNpy(source: ByteSource): Promise<ModelFile> {
  const head = await source.read(0, Math.min(source.size, MAX_HEADER_BYTES));
  const after = (skip: number) => source.stream(skip, source.size - skip);
  return { format: "npy", tensors: [tensorOf("array", head, source.size, after)], metadata: {}, graph: null };
}

async function arrayOf(member: ZipMember): Promise<TensorInfo> {
  const name = member.name.replace(/\.npy$/, "");
  const head = await beginning(member.stream(), Math.min(member.size, MAX_HEADER_BYTES));
  const after = (skip: number) =>
    opened(async () => {
      const part = await member.part();
      return part
        ? partOf(part, skip, part.size - skip).stream(0, part.size - skip)
        : without(member.stream(), skip);
    });
  return tensorOf(name, head, member.size, after);
}

/** Reads the headers of an archive of arrays, compressed or not. */
export async function readNpz(source: ByteSource): Promise<ModelFile> {
  const members = (await readZip(source)).filter(({ name }) => name.endsWith(".npy"));
  const tensors: TensorInfo[] = [];
  for (const member of members) tensors.push(await arrayOf(member));
  return { format: "npz", tensors, metadata: {}, graph: null };
}
