import { type ByteSource, MalformedFile, partOf } from "./byte-source.ts";
import { ELEMENT_BYTES, type ElementType, type ModelFile, type TensorInfo } from "./model-file.ts";
import { readPickle } from "./pickle.ts";
import { PickleCall, PickleDict, PickleGlobal, PicklePersistent, type PickleValue } from "./pickle-values.ts";
import { opened, single } from "./streams.ts";
import { checkGatherable, extentOf, gathered, isContiguous } from "./strided.ts";
import { readZip, type ZipMember } from "./zip.ts";

/**
 * What `torch.save` writes (https://github.com/pytorch/pytorch/blob/main/torch/serialization.py): an archive with a pickle
 * beside its storages, or before 1.6 pickles with the storages behind them. Nothing is ever unpickled.
 */
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const MAX_PICKLE_BYTES = 32_000_000;
const MAX_TENSORS = 200_000;
const MAX_DEPTH = 40;

const STORAGES: Record<string, ElementType> = {
  ...{ DoubleStorage: "F64", FloatStorage: "F32", HalfStorage: "F16", BFloat16Storage: "BF16" },
  ...{ LongStorage: "I64", IntStorage: "I32", ShortStorage: "I16", CharStorage: "I8", ByteStorage: "U8" },
  ...{ BoolStorage: "BOOL", ComplexFloatStorage: "C64", ComplexDoubleStorage: "C128" },
};

/** The file of a storage, by its key. */
type Storages = (key: string) => Promise<ByteSource | undefined>;

interface View {
  key: string;
  dtype: string;
  offset: number;
  shape: number[];
  strides: number[];
}

const nameOf = (value: PickleValue | undefined): string => (value instanceof PickleGlobal ? value.name : "");

const isSizes = (value: PickleValue | undefined): value is number[] =>
  Array.isArray(value) &&
  value.every((size) => typeof size === "number" && Number.isSafeInteger(size) && size >= 0);

/** The tensor a call would rebuild, if it is one of those that do. */
function viewOf(value: PickleValue, depth = 0): View | undefined {
  if (!(value instanceof PickleCall) || !Array.isArray(value.args)) return undefined;
  const callee = nameOf(value.callee);
  if (callee === "torch._utils._rebuild_parameter" || callee === "torch.nn.parameter.Parameter")
    return value.args[0] === undefined || depth > 0 ? undefined : viewOf(value.args[0], depth + 1);
  if (callee !== "torch._utils._rebuild_tensor_v2" && callee !== "torch._utils._rebuild_tensor")
    return undefined;
  const [storage, offset, shape, strides] = value.args;
  if (!(storage instanceof PicklePersistent) || !Array.isArray(storage.id))
    throw new MalformedFile("a tensor in it has no storage");
  const [, type, key] = storage.id;
  const isWhole = typeof offset === "number" && Number.isSafeInteger(offset) && offset >= 0;
  if (
    !isWhole ||
    !isSizes(shape) ||
    !isSizes(strides) ||
    shape.length !== strides.length ||
    typeof key !== "string"
  )
    throw new MalformedFile("a tensor in it is described wrongly");
  const storageName = nameOf(type).replace(/^torch\.(storage\.)?/, "");
  return { key, dtype: STORAGES[storageName] ?? storageName, offset, shape, strides };
}

const keyOf = (key: PickleValue): string =>
  typeof key === "string" || typeof key === "number" ? String(key) : "?";

/** What has members by name, with the members of modules without the drawers they lie in. */
function membersOf(value: PickleValue): [string, PickleValue][] {
  if (Array.isArray(value)) return value.map((item, i) => [String(i), item]);
  if (value instanceof PickleDict) return value.entries.map(([key, item]) => [keyOf(key), item]);
  if (!(value instanceof PickleCall)) return [];
  return [...membersOf(value.items), ...value.state.flatMap(membersOf)];
}

const DRAWERS = new Set(["_parameters", "_buffers", "_modules"]);

/** All tensors by their way from the top. What lies at several places is looked into once: a pickle may be a knot. */
function* tensorsIn(
  value: PickleValue,
  path: string[] = [],
  seen = new Set<PickleValue>(),
  depth = 0,
): Generator<[string, View]> {
  const view = viewOf(value);
  if (view) return void (yield [path.join(".") || "tensor", view]);
  if (depth > MAX_DEPTH || seen.has(value)) return;
  seen.add(value);
  for (const [name, item] of membersOf(value)) {
    if (typeof item === "object" && item !== null)
      yield* tensorsIn(item, DRAWERS.has(name) ? path : [...path, name], seen, depth + 1);
  }
}

async function bytesOf(name: string, view: View, dtype: ElementType, storages: Storages) {
  const size = ELEMENT_BYTES[dtype];
  const storage = await storages(view.key);
  if (!storage) throw new MalformedFile(`the storage of “${name}” is not there, or compressed`);
  const extent = extentOf(view.shape, view.strides) * size;
  const start = view.offset * size;
  if (start + extent > storage.size) throw new MalformedFile(`“${name}” lies beyond the end of its storage`);
  if (isContiguous(view.shape, view.strides)) return storage.stream(start, extent);
  checkGatherable(name, extent);
  return single(gathered(await storage.read(start, extent), size, view.shape, view.strides));
}

function tensorOf(name: string, view: View, storages: Storages): TensorInfo {
  const { dtype, shape } = view;
  const elements = shape.reduce((all, size) => all * size, 1);
  if (!Number.isSafeInteger(elements)) throw new MalformedFile(`“${name}” is out of all proportion`);
  const isKnown = Object.hasOwn(ELEMENT_BYTES, dtype);
  const bytes = isKnown ? elements * ELEMENT_BYTES[dtype as ElementType] : 0;
  const read = () =>
    opened(() => {
      if (!isKnown) throw new MalformedFile(`“${name}” is of ${dtype}, which is not read`);
      return bytesOf(name, view, dtype as ElementType, storages);
    });
  return { name, dtype, shape, bytes, read };
}

function modelOf(value: PickleValue, globals: string[], storages: Storages): ModelFile {
  const tensors: TensorInfo[] = [];
  for (const [name, view] of tensorsIn(value)) {
    if (tensors.length >= MAX_TENSORS) throw new MalformedFile(`it holds more than ${MAX_TENSORS} tensors`);
    tensors.push(tensorOf(name, view, storages));
  }
  return { format: "pytorch", tensors, metadata: { "pickle.imports": globals.join(" ") }, graph: null };
}

async function pickleBytes(member: ZipMember): Promise<Uint8Array> {
  if (member.size > MAX_PICKLE_BYTES)
    throw new MalformedFile(`its pickle is larger than ${MAX_PICKLE_BYTES} bytes`);
  const bytes = new Uint8Array(member.size);
  let at = 0;
  for await (const chunk of member.stream()) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** The pickle of an archive that `torch.save` wrote, if it is one. */
export const torchPickleIn = (members: ZipMember[]): ZipMember | undefined =>
  members.find(({ name }) => /^[^/]+\/data\.pkl$/.test(name) || name === "data.pkl");

/** Reads an archive; only its pickle is read, storages when asked for. */
export async function readTorchZip(source: ByteSource): Promise<ModelFile> {
  const members = await readZip(source);
  const pickled = torchPickleIn(members);
  if (!pickled) throw new MalformedFile("it is no archive of PyTorch's");
  const root = pickled.name.slice(0, -"data.pkl".length);
  const order = members.find(({ name }) => name === `${root}byteorder`);
  if (order && new TextDecoder().decode(await pickleBytes(order)) === "big")
    throw new MalformedFile("its numbers are big-endian");
  const { value, globals } = readPickle(await pickleBytes(pickled));
  const byName = new Map(members.map((member) => [member.name, member]));
  return modelOf(value, globals, async (key) => byName.get(`${root}data/${key}`)?.part());
}

const COUNT_BYTES = 8;

/** Where each storage lies: behind the last pickle, each with its number of elements before it. */
async function legacyStorages(
  source: ByteSource,
  start: number,
  keys: string[],
  dtypes: Map<string, string>,
) {
  const places = new Map<string, ByteSource>();
  let at = start;
  for (const key of keys) {
    if (at + COUNT_BYTES > source.size) throw new MalformedFile("the file ends before its storages do");
    const head = await source.read(at, COUNT_BYTES);
    const count = Number(new DataView(head.buffer, head.byteOffset).getBigUint64(0, true));
    const dtype = dtypes.get(key) ?? "";
    // A storage nothing refers to, or of unknown width, ends what can be located.
    if (!Object.hasOwn(ELEMENT_BYTES, dtype)) break;
    const bytes = count * ELEMENT_BYTES[dtype as ElementType];
    if (at + COUNT_BYTES + bytes > source.size)
      throw new MalformedFile("the file ends before its storages do");
    places.set(key, partOf(source, at + COUNT_BYTES, bytes));
    at += COUNT_BYTES + bytes;
  }
  return places;
}

/** Reads pickles one after the other, as PyTorch before 1.6 wrote them; any other pickle tells what it would import. */
export async function readPickleFile(source: ByteSource): Promise<ModelFile> {
  const bytes = await source.read(0, Math.min(source.size, MAX_PICKLE_BYTES));
  const first = readPickle(bytes);
  if (first.value !== LEGACY_MAGIC)
    return { ...modelOf(first.value, first.globals, () => Promise.resolve(undefined)), format: "pickle" };
  const version = readPickle(bytes, first.end);
  const system = readPickle(bytes, version.end);
  const { value, globals, end } = readPickle(bytes, system.end);
  const keys = readPickle(bytes, end);
  if (!Array.isArray(keys.value)) throw new MalformedFile("it does not name its storages");
  const dtypes = new Map([...tensorsIn(value)].map(([, { key, dtype }]) => [key, dtype]));
  const places = await legacyStorages(source, keys.end, keys.value.map(String), dtypes);
  return modelOf(value, globals, (key) => Promise.resolve(places.get(key)));
}
