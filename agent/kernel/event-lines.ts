import type { Readable } from "node:stream";

/** No honest event is longer: the driver cuts what it shows. */
const MAX_LINE_BYTES = 8_000_000;

/**
 * The lines of a stream as JSON values, read no faster than they are taken. What is no JSON, or too long, is left out:
 * a cell can write to the driver's descriptor, and fools only itself.
 */
export async function* eventLines(stream: Readable): AsyncGenerator<unknown> {
  let parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let rest = chunk;
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      const line = size > MAX_LINE_BYTES ? undefined : Buffer.concat([...parts, rest.subarray(0, end)]);
      [parts, size, rest] = [[], 0, rest.subarray(end + 1)];
      const value = line && parse(line);
      if (value !== undefined) yield value;
    }
    size += rest.length;
    if (size <= MAX_LINE_BYTES) parts.push(rest);
    else parts = [];
  }
}

function parse(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
