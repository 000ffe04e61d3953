/** Re-cuts a byte stream into parts of exactly `partBytes`, the last one smaller; nothing for an empty stream. */
export async function* partsOf(
  body: ReadableStream<Uint8Array>,
  partBytes: number,
): AsyncGenerator<Uint8Array, undefined> {
  let part = new Uint8Array(partBytes);
  let filled = 0;
  for await (const chunk of body) {
    for (let offset = 0; offset < chunk.length;) {
      const taken = Math.min(chunk.length - offset, partBytes - filled);
      part.set(chunk.subarray(offset, offset + taken), filled);
      filled += taken;
      offset += taken;
      if (filled < partBytes) continue;
      yield part;
      part = new Uint8Array(partBytes);
      filled = 0;
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}
