/**
 * Passes a stream on that has exactly `size` bytes; any other fails before its last chunk has gone through, so that
 * whoever reads it never sees it complete.
 */
export function exactLength(size: number): TransformStream<Uint8Array, Uint8Array> {
  let seen = 0;
  let last: Uint8Array | undefined;
  return new TransformStream({
    transform(chunk, controller) {
      seen += chunk.length;
      if (seen > size) throw new RangeError(`the stream has more than the ${size} bytes announced`);
      if (chunk.length === 0) return;
      if (last) controller.enqueue(last);
      last = chunk;
    },
    flush(controller) {
      if (seen < size) throw new RangeError(`the stream has ${seen} of the ${size} bytes announced`);
      if (last) controller.enqueue(last);
    },
  });
}
