import type { Ctx } from "../../kernel/ctx.ts";
import { blobSource } from "../../kernel/formats/blob-source.ts";
import { type ByteSource, MalformedFile } from "../../kernel/formats/byte-source.ts";
import type { ModelFile } from "../../kernel/formats/model-file.ts";
import { readModelFile } from "../../kernel/formats/recognize.ts";
import { unreadable } from "./tools.errors.ts";

/** A version's file, of which only the header has been read. */
export interface Opened {
  source: ByteSource;
  model: ModelFile;
}

/** What is wrong with a file is said to whoever asked; what is wrong with the store is not theirs. */
export async function blamingFile<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MalformedFile) throw unreadable(error.message);
    throw error;
  }
}

export const openModel = (ctx: Ctx, file: { blobKey: string; fileSize: number }): Promise<Opened> =>
  blamingFile(async () => {
    const source = blobSource(ctx.blobs, file.blobKey, file.fileSize);
    return { source, model: await readModelFile(source) };
  });
