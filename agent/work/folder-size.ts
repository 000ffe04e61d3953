import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../has-code.ts";

const BLOCK_BYTES = 512;

/** Bytes a folder takes on disk with all below it; what goes away meanwhile is not counted. Links are not followed. */
export async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  const open = [folder];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const entry of await entriesOf(at)) {
      const path = join(at, entry.name);
      if (entry.isDirectory()) open.push(path);
      else bytes += await bytesOf(path);
    }
  }
  return bytes;
}

async function unlessGone<T>(work: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES"].some((code) => hasCode(error, code))) return otherwise;
    throw error;
  }
}

const entriesOf = (folder: string) => unlessGone(readdir(folder, { withFileTypes: true }), []);
const bytesOf = (path: string) =>
  unlessGone(
    lstat(path).then(({ blocks }) => blocks * BLOCK_BYTES),
    0,
  );
