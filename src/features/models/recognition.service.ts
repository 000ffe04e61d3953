import type { Ctx } from "../../kernel/ctx.ts";
import { type ByteSource, MalformedFile } from "../../kernel/formats/byte-source.ts";
import { blobSource } from "../../kernel/formats/blob-source.ts";
import type { GraphValue, ModelFormat, ModelGraph } from "../../kernel/formats/model-file.ts";
import { readModelFile } from "../../kernel/formats/recognize.ts";
import { Signature } from "./signature.schema.ts";

/** What a stored file is, by its content; `format` is null where the store did not answer. */
export interface Recognition {
  format: ModelFormat | null;
  signature: Signature | null;
}

// Each is a request to the store, of which a Worker's invocation may make a thousand.
const MAX_READS = 800;

/** The same file, for whoever needs no more than so many pieces of it. */
function rationed(source: ByteSource, pieces: number): ByteSource {
  let left = pieces;
  const counted = <T>(read: () => T): T => {
    if (left-- <= 0) throw new MalformedFile(`its header takes more than ${pieces} reads`);
    return read();
  };
  return {
    size: source.size,
    read: async (start, length) => counted(() => source.read(start, length)),
    stream: (start, length) => counted(() => source.stream(start, length)),
  };
}

const dimensionOf = (size: number | string | null) =>
  size === "" || (typeof size === "number" && !(Number.isSafeInteger(size) && size >= 0)) ? null : size;

const valueOf = ({ name, dtype, shape }: GraphValue) => ({
  name,
  dtype,
  shape: shape && shape.map(dimensionOf),
});

/** The graph's edges, unless they are more or stranger than a signature may be. */
function signatureOf(graph: ModelGraph | null): Signature | null {
  if (!graph) return null;
  const edges = { inputs: graph.inputs.map(valueOf), outputs: graph.outputs.map(valueOf) };
  const { data } = Signature.safeParse(edges);
  // JSON in Postgres cannot hold U+0000.
  return data && !JSON.stringify(data).includes("\\u0000") ? data : null;
}

/** Reads a stored file's header. One that is damaged or of no known format stays what it is: a blob. */
export async function recognizeStored(
  ctx: Pick<Ctx, "blobs" | "log">,
  { blobKey, fileSize }: { blobKey: string; fileSize: number },
): Promise<Recognition> {
  try {
    const { format, graph } = await readModelFile(
      rationed(blobSource(ctx.blobs, blobKey, fileSize), MAX_READS),
    );
    return { format, signature: signatureOf(graph) };
  } catch (error) {
    if (error instanceof MalformedFile) return { format: "unknown", signature: null };
    ctx.log("warn", "models.not_recognized", { blob_key: blobKey, error });
    return { format: null, signature: null };
  }
}
