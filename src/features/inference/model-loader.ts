import type { Blobs } from "../../kernel/ports/blobs.ts";
import type { LoadReply, ModelFile, ModelRuntime } from "../../kernel/ports/model-pools.ts";

const MAX_LOAD_MS = 20_000;

const tooSlow: LoadReply = {
  ok: false,
  reason: `The model could not be read within ${MAX_LOAD_MS / 1000} seconds.`,
};
const missing: LoadReply = { ok: false, reason: "The model's file is missing from storage." };
const wrongSize: LoadReply = {
  ok: false,
  reason: "The model's file in storage has another size than it was registered with.",
};

/** Reads exactly `size` bytes; `undefined` when there are more or fewer. */
async function readExactly(body: ReadableStream<Uint8Array>, size: number): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(size);
  let filled = 0;
  for await (const chunk of body) {
    if (filled + chunk.length > size) return undefined;
    bytes.set(chunk, filled);
    filled += chunk.length;
  }
  return filled === size ? bytes : undefined;
}

/** Does something after `ms` milliseconds, unless the function it returns is called before. */
export type Later = (ms: number, work: () => void) => () => void;

/** Brings one model into memory; callers that come while it is under way share it. */
export class ModelLoader {
  readonly #blobs: Pick<Blobs, "get">;
  readonly #runtime: ModelRuntime;
  readonly #later: Later;
  #underWay: Promise<LoadReply> | undefined;

  constructor(blobs: Pick<Blobs, "get">, runtime: ModelRuntime, later: Later) {
    this.#blobs = blobs;
    this.#runtime = runtime;
    this.#later = later;
  }

  load(file: ModelFile): Promise<LoadReply> {
    this.#underWay ??= this.#inTime(file).finally(() => (this.#underWay = undefined));
    return this.#underWay;
  }

  #inTime(file: ModelFile): Promise<LoadReply> {
    return new Promise((resolve, reject) => {
      const cancel = this.#later(MAX_LOAD_MS, () => resolve(tooSlow));
      this.#load(file).finally(cancel).then(resolve, reject);
    });
  }

  async #load({ versionId, blobKey, sizeBytes }: ModelFile): Promise<LoadReply> {
    const body = await this.#blobs.get(blobKey);
    if (!body) return missing;
    const bytes = await readExactly(body, sizeBytes);
    return bytes ? this.#runtime.load(versionId, bytes) : wrongSize;
  }
}
