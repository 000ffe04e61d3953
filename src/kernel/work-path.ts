const MAX_BYTES = 512;
const MAX_SEGMENT_BYTES = 255;
// Control characters, and what separates folders elsewhere.
const REFUSED = /[\p{Cc}\\]/u;

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

const isSegment = (segment: string): boolean =>
  segment !== "" && segment !== "." && segment !== ".." && bytesOf(segment) <= MAX_SEGMENT_BYTES;

/**
 * Whether a text is a relative path that stays in its folder on every system: `/` between the parts, none of them empty
 * or made of dots alone, no backslash, no control character, 512 bytes of UTF-8 at most.
 */
export const isWorkPath = (path: string): boolean =>
  path.isWellFormed() &&
  bytesOf(path) <= MAX_BYTES &&
  !REFUSED.test(path) &&
  path.split("/").every(isSegment);
