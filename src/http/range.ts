import { AppError } from "../kernel/errors.ts";
import type { ByteRange } from "../kernel/ports/blobs.ts";

/**
 * The one byte range asked for (RFC 9110 §14), or `undefined` for the whole. Several ranges, and units we do not
 * know, are ignored, as the RFC allows; a range outside the file is 416.
 */
export function parseRange(header: string | null, size: number): ByteRange | undefined {
  const match = /^bytes=(\d*)-(\d*)$/i.exec(header?.trim() ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return undefined;
  const range = resolve(match[1]!, match[2]!, size);
  if (range && range.start <= range.end && range.start < size) return range;
  throw new AppError("range_not_satisfiable", "RANGE_NOT_SATISFIABLE", `The file has ${size} bytes.`, {
    size,
  });
}

function resolve(first: string, last: string, size: number): ByteRange | undefined {
  if (first === "") {
    const suffix = Number(last);
    return suffix === 0 ? undefined : { start: Math.max(0, size - suffix), end: size - 1 };
  }
  return { start: Number(first), end: last === "" ? size - 1 : Math.min(Number(last), size - 1) };
}
