/** One stream after the other, each opened when its turn comes. */
export function joined(parts: Iterable<() => ReadableStream<Uint8Array>>): ReadableStream<Uint8Array> {
  const rest = parts[Symbol.iterator]();
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      for (;;) {
        if (!reader) {
          const next = rest.next();
          if (next.done) return controller.close();
          reader = next.value().getReader();
        }
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        reader = undefined;
      }
    },
    cancel: (reason) => reader?.cancel(reason),
  });
}

export const single = (bytes: Uint8Array): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });

/** All of a stream that must hold exactly `size` bytes. */
export async function collected(stream: ReadableStream<Uint8Array>, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let at = 0;
  for await (const chunk of stream) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  if (at !== size) throw new RangeError(`a stream of ${size} bytes ended after ${at}`);
  return bytes;
}

/** A stream that is opened when it is first read. */
export function opened(open: () => Promise<ReadableStream<Uint8Array>>): ReadableStream<Uint8Array> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      reader ??= (await open()).getReader();
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader?.cancel(reason),
  });
}

/** The first `length` bytes of a stream; the rest is not read. */
export async function beginning(stream: ReadableStream<Uint8Array>, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for await (const chunk of stream) {
    const part = chunk.subarray(0, length - at);
    bytes.set(part, at);
    at += part.length;
    if (at === length) break;
  }
  return bytes.subarray(0, at);
}

/** A stream without its first `length` bytes. */
export function without(stream: ReadableStream<Uint8Array>, length: number): ReadableStream<Uint8Array> {
  let left = length;
  return stream.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        const rest = chunk.subarray(Math.min(left, chunk.length));
        left -= chunk.length - rest.length;
        if (rest.length > 0) controller.enqueue(rest);
      },
    }),
  );
}

/** A stream whose failure is told in other words. */
export function relabelled(
  stream: ReadableStream<Uint8Array>,
  tell: (cause: unknown) => Error,
): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw tell(cause);
      });
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
