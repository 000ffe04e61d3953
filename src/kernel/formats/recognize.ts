import { type ByteSource, MalformedFile } from "./byte-source.ts";
import { looksLikeGguf, readGguf } from "./gguf.ts";
import type { ModelFile, ModelFormat, ReadModel } from "./model-file.ts";
import { looksLikeNpy, readNpy, readNpz } from "./npy.ts";
import { looksLikeOnnx, readOnnx } from "./onnx.ts";
import { looksLikePickle } from "./pickle.ts";
import { looksLikeSafetensors, readSafetensors } from "./safetensors.ts";
import { looksLikeStateDict, readStateDict } from "./state-dict.ts";
import { readPickleFile, readTorchZip, torchPickleIn } from "./torch.ts";
import { looksLikeZip, readZip } from "./zip.ts";

const HEAD_BYTES = 512;

const NOTHING: ModelFile = { format: "unknown", tensors: [], metadata: {}, graph: null };

async function zipReader(source: ByteSource): Promise<ReadModel | undefined> {
  const members = await readZip(source);
  if (torchPickleIn(members)) return readTorchZip;
  return members.some(({ name }) => name.endsWith(".npy")) ? readNpz : undefined;
}

/** Who reads a file that begins so; by its content, whatever it is called. */
async function readerOf(source: ByteSource): Promise<ReadModel | undefined> {
  const head = await source.read(0, Math.min(HEAD_BYTES, source.size));
  if (looksLikeGguf(head)) return readGguf;
  if (looksLikeZip(head)) return zipReader(source);
  if (looksLikeNpy(head)) return readNpy;
  if (looksLikePickle(head)) return readPickleFile;
  if (looksLikeSafetensors(head)) return readSafetensors;
  if (looksLikeStateDict(head)) return readStateDict;
  return looksLikeOnnx(head) ? readOnnx : undefined;
}

/** What a file is, `unknown` where it is none of the formats; throws `MalformedFile` where it only begins as one. */
export async function readModelFile(source: ByteSource): Promise<ModelFile> {
  const read = await readerOf(source);
  return read ? read(source) : NOTHING;
}

/** The format alone; a file that only begins as one is of an unknown one. */
export async function recognize(source: ByteSource): Promise<ModelFormat> {
  try {
    return (await readModelFile(source)).format;
  } catch (error) {
    if (error instanceof MalformedFile) return "unknown";
    throw error;
  }
}
